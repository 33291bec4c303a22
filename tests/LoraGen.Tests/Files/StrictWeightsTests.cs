using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Files;

/// <summary>adapter_model.safetensors must be exactly what the model expects; the message names file, key, expected and found.</summary>
public sealed class StrictWeightsTests : IDisposable
{
    private const string Key = "base_model.model.floors.1.h.0.up.lora_A.weight";

    private readonly SavedTower _saved = new();

    public void Dispose() => _saved.Dispose();

    [Fact]
    public void Many_missing_keys_are_counted()
    {
        _saved.EditWeights(file =>
        {
            var one = file.Tensors[Key];
            file.Tensors.Clear();
            file.Tensors[Key] = one;
        });
        _saved.AssertRefused(_saved.WeightsPath, "expected 26 tensors", "and 19 more");
    }

    [Fact]
    public void A_wrong_shape()
    {
        _saved.EditWeights(file => file.Tensors[Key] = file.Tensors[Key] with { Shape = [Tower.Width, 3] });
        _saved.AssertRefused(_saved.WeightsPath, Key, "expected shape [3, 5]", "found [5, 3]");
    }

    // copy_ would spread one value over the whole tensor without a word.
    [Fact]
    public void A_shape_that_would_broadcast()
    {
        _saved.EditWeights(file => file.Tensors[Key] = new SafetensorsBytes.Stored("F32", [1, 1], new byte[4]));
        _saved.AssertRefused(_saved.WeightsPath, Key, "expected shape [3, 5]", "found [1, 1]");
    }

    [Fact]
    public void A_scalar_in_the_place_of_a_matrix()
    {
        _saved.EditWeights(file => file.Tensors[Key] = new SafetensorsBytes.Stored("F32", [], new byte[4]));
        _saved.AssertRefused(_saved.WeightsPath, Key, "expected shape [3, 5]", "found []");
    }

    // Of two million characters, not one line.
    [Fact]
    public void Keys_and_a_fingerprint_without_end_are_not_quoted_whole()
    {
        _saved.EditWeights(file => file.Tensors[new string('k', 1_000_000) + "\n\u001b[31m"] = new SafetensorsBytes.Stored("U8", [0], []));
        Assert.InRange(_saved.AssertRefused(_saved.WeightsPath, "unexpected: [kkkk", "... (1000006 characters)").Length, 1, 1000);
        _saved.EditWeights(file =>
        {
            file.Tensors.Remove(file.Tensors.Keys.Last(key => key.StartsWith('k')));
            file.Metadata!["loragen.base_fingerprint"] = new string('f', 1_000_000);
        });
        Assert.InRange(_saved.AssertRefused(_saved.WeightsPath, "loragen.base_fingerprint", "found ffff", "... (1000000 characters)").Length, 1, 1000);
    }

    [Theory]
    [InlineData("I32", 4)]
    [InlineData("F64", 8)]
    public void A_wrong_dtype(string dtype, int bytes)
    {
        _saved.EditWeights(file => file.Tensors[Key] = new SafetensorsBytes.Stored(dtype, [3, 5], new byte[3 * 5 * bytes]));
        _saved.AssertRefused(_saved.WeightsPath, Key, "F32, F16 or BF16", "found");
    }

    [Fact]
    public void Another_base_of_the_same_shape()
    {
        using (no_grad())
        {
            _saved.Model.get_parameter("mix.weight")!.add_(1);
        }

        var refusal = Assert.Throws<LoraException>(() => Tower.Adapter.Load(_saved.Folder, _saved.Model));
        Assert.Contains(_saved.WeightsPath, refusal.Message, StringComparison.Ordinal);
        Assert.Contains($"expected {BaseFingerprint.Of(_saved.Model)}", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("found", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_fingerprint()
    {
        _saved.EditWeights(file => file.Metadata!["loragen.base_fingerprint"] = "0123");
        _saved.AssertRefused(_saved.WeightsPath, "loragen.base_fingerprint", "expected", "found 0123");
    }

    [Fact]
    public void A_file_without_a_fingerprint_is_taken_as_PEFTs_are()
    {
        _saved.EditWeights(file => file.Metadata = new() { ["format"] = "pt" });
        using var loaded = Tower.Adapter.Load(_saved.Folder, _saved.Model);
    }

    [Fact]
    public void A_missing_file()
    {
        File.Delete(_saved.WeightsPath);
        _saved.AssertRefused(_saved.WeightsPath);
    }

    [Fact]
    public void A_safetensors_file_named_as_a_pickle()
    {
        File.Move(_saved.WeightsPath, Path.Combine(_saved.Folder, "adapter_model.bin"));
        _saved.AssertRefused("adapter_model.bin", "expected a zip archive, found other bytes");
    }

    [Fact]
    public void A_missing_folder()
    {
        Directory.Delete(_saved.Folder, recursive: true);
        _saved.AssertRefused(_saved.Folder, "adapter_config.json");
        Directory.CreateDirectory(_saved.Folder);
    }
}
