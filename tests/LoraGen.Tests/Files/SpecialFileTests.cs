using System.Diagnostics;
using LoraGen.Files;
using LoraGen.Safetensors;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Files;

/// <summary>What is no regular file, in the place of one, is refused by its name: nothing waits for a pipe that nobody writes into.</summary>
public sealed class SpecialFileTests : IDisposable
{
    private readonly SavedTower _saved = new();

    public void Dispose() => _saved.Dispose();

    [Theory]
    [InlineData("adapter_config.json")]
    [InlineData("adapter_model.safetensors")]
    public void A_pipe_or_a_link_to_one(string name)
    {
        var (path, pipe) = (Path.Combine(_saved.Folder, name), Path.Combine(_saved.Folder, "pipe"));
        File.Delete(path);
        MakePipe(path);
        _saved.AssertRefused(path, "expected a regular file", "a pipe");
        File.Move(path, pipe);
        File.CreateSymbolicLink(path, "pipe");
        _saved.AssertRefused(path, "expected a regular file", "a pipe");
    }

    [Theory]
    [InlineData("adapter_config.json")]
    [InlineData("adapter_model.safetensors")]
    public void A_folder(string name)
    {
        var path = Path.Combine(_saved.Folder, name);
        File.Delete(path);
        Directory.CreateDirectory(path);
        _saved.AssertRefused(path, "expected a regular file", "found a folder");
    }

    // A save that was cut off leaves staged configs, among which Load looks for that of the weights.
    [Fact]
    public void A_pipe_among_the_staged_configs()
    {
        MakePipe($"{_saved.ConfigPath}.a.tmp");
        File.Move(_saved.ConfigPath, $"{_saved.ConfigPath}.b.tmp");
        using var loaded = Tower.Adapter.Load(_saved.Folder, _saved.Model);
        Assert.Equal(13, loaded.Updates.Count);
    }

    [Fact]
    public void A_pipe_that_looks_like_the_lock_of_another_save_keeps_nobody_out()
    {
        MakePipe(Path.Combine(_saved.Folder, "saving.x.lock"));
        using var adapter = _saved.Model.CreateAdapter();
        adapter.Save(_saved.Folder);
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors"], Directory.GetFiles(_saved.Folder).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void A_config_of_gigabytes()
    {
        using (var file = File.OpenWrite(_saved.ConfigPath))
        {
            file.SetLength(3L << 30);
        }

        _saved.AssertRefused(_saved.ConfigPath, "at most 16000000 bytes", "found a file of 3221225472");
    }

    [Fact]
    public void A_path_that_is_missing_is_the_callers_mistake()
    {
        using var adapter = _saved.Model.CreateAdapter();
        foreach (var missing in new[] { null, "", " " })
        {
            Assert.Equal("folder", Assert.ThrowsAny<ArgumentException>(() => adapter.Save(missing!)).ParamName);
            Assert.Equal("folder", Assert.ThrowsAny<ArgumentException>(() => Tower.Adapter.Load(missing!, _saved.Model)).ParamName);
            Assert.Equal("path", Assert.ThrowsAny<ArgumentException>(() => SafetensorsFile.Open(missing!)).ParamName);
            Assert.Equal("path", Assert.ThrowsAny<ArgumentException>(() => SafetensorsWriter.Write(missing!, [], new Dictionary<string, string>())).ParamName);
            Assert.Equal("path", Assert.ThrowsAny<ArgumentException>(() => AtomicFile.Write(missing!, _ => { })).ParamName);
        }
    }

    [Fact]
    public void A_path_with_a_NUL_is_refused()
    {
        var path = Path.Combine(_saved.Folder, "x\0y");
        using var adapter = _saved.Model.CreateAdapter();
        Action[] uses =
        [
            () => adapter.Save(path),
            () => Tower.Adapter.Load(path, _saved.Model),
            () => SafetensorsFile.Open(path),
            () => SafetensorsWriter.Write(path, [], new Dictionary<string, string>()),
            () => AtomicFile.Write(path, _ => { }),
        ];
        Assert.All(uses, use => AssertOneLine(Assert.Throws<LoraException>(use), "expected a path without a NUL character"));
    }

    // In a path, a key and a value.
    [Fact]
    public void Line_breaks_do_not_reach_a_message()
    {
        const string breaks = "a\nb\u2028c\u2029d\u0085e";
        var path = Path.Combine(_saved.Folder, breaks);
        AssertOneLine(Assert.Throws<LoraException>(() => SafetensorsFile.Open(path)), "cannot be opened");
        using var values = zeros(1, ScalarType.ComplexFloat32);
        AssertOneLine(Assert.Throws<LoraException>(() => SafetensorsWriter.Write(path, [new(breaks, values)], new Dictionary<string, string>())), "expected a dtype");
        AssertOneLine(Assert.Throws<LoraException>(() => SafetensorsWriter.Write(path, [new(breaks, values), new(breaks, values)], new Dictionary<string, string>())), "found two");
        _saved.EditConfig(config => config["peft_type"] = breaks);
        AssertOneLine(Assert.Throws<LoraException>(() => Tower.Adapter.Load(_saved.Folder, _saved.Model)), "expected LORA");
    }

    [Theory]
    [InlineData("5", "expected a JSON object of options, found 5.")]
    [InlineData("[]", "expected a JSON object of options, found [].")]
    [InlineData("{\"r\": 1, \"r\": 2}", "expected a JSON object of options in UTF-8, found an error: ")]
    [InlineData("{", "expected a JSON object of options in UTF-8, found an error: ")]
    public void A_config_that_is_no_object_is_described_in_JSONs_terms(string content, string message)
    {
        File.WriteAllText(_saved.ConfigPath, content);
        var refusal = _saved.AssertRefused(message);
        Assert.DoesNotContain("System.", refusal, StringComparison.Ordinal);
        Assert.DoesNotContain("..", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_that_is_no_JSON_is_refused_in_one_sentence()
    {
        File.WriteAllBytes(_saved.WeightsPath, SafetensorsBytes.Raw("{\"a\":", []));
        Assert.DoesNotContain("..", _saved.AssertRefused("expected a header of valid JSON"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_is_read_to_the_CPU_whatever_the_default_device_is()
    {
        using var file = SafetensorsFile.Open(_saved.WeightsPath);
        set_default_device(META);
        try
        {
            using var read = file.Read(file.Entries.Keys.First());
            Assert.Equal(DeviceType.CPU, read.device_type);
        }
        finally
        {
            set_default_device(CPU);
        }
    }

    private static void AssertOneLine(LoraException refusal, string part)
    {
        Assert.Contains(part, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(refusal.Message, character => char.IsControl(character) || character is '\u2028' or '\u2029');
    }

    private static void MakePipe(string path)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no pipes among its files.");
        using var process = Process.Start("mkfifo", [path]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
