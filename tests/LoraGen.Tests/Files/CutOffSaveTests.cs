using System.Text.Json.Nodes;
using LoraGen.Tests.Saver;

namespace LoraGen.Tests.Files;

/// <summary>Every state that a save can be cut off in, made by hand: what Load gives there, and what the next Save makes of it.</summary>
public sealed class CutOffSaveTests : IDisposable
{
    private const string Staged = ".0123456789abcdef0123456789abcdef.tmp";

    private readonly ScratchFolder _folder = new();
    private readonly TwoAdapters _model = new();
    private readonly SavedPair _old;
    private readonly SavedPair _new;

    public CutOffSaveTests()
    {
        using var first = _model.Make(0);
        using var second = _model.Make(1);
        (_old, _new) = (SavedPair.Of(first), SavedPair.Of(second));
    }

    private string Config => _folder.PathOf("adapter_config.json");

    private string Weights => _folder.PathOf("adapter_model.safetensors");

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void While_the_weights_are_written()
    {
        Place(_old.Weights, _old.Config);
        File.WriteAllBytes(Weights + Staged, _new.Weights[..100]);
        AssertLoads(0);
        AssertSavesOver();
    }

    [Fact]
    public void While_the_config_is_written()
    {
        Place(_old.Weights, _old.Config);
        File.WriteAllBytes(Weights + Staged, _new.Weights);
        File.WriteAllBytes(Config + Staged, _new.Config[..100]);
        AssertLoads(0);
        AssertSavesOver();
    }

    [Fact]
    public void Before_the_weights_are_renamed()
    {
        Place(_old.Weights, _old.Config);
        File.WriteAllBytes(Weights + Staged, _new.Weights);
        File.WriteAllBytes(Config + Staged, _new.Config);
        AssertLoads(0);
        AssertSavesOver();
    }

    [Fact]
    public void Between_the_renames()
    {
        Place(_new.Weights, _old.Config);
        File.WriteAllBytes(Config + Staged, _new.Config);
        AssertLoads(1);
        AssertSavesOver();
    }

    [Fact]
    public void Between_the_renames_beside_what_earlier_ones_left()
    {
        Place(_new.Weights, _old.Config);
        File.WriteAllBytes(Config + ".a.tmp", _old.Config);
        File.WriteAllBytes(Config + ".b.tmp", _new.Config[..50]);
        File.WriteAllBytes(Config + Staged, _new.Config);
        File.WriteAllBytes(Config + ".z.tmp", []);
        File.WriteAllBytes(Weights + ".y.tmp", _old.Weights);
        AssertLoads(1);
        AssertSavesOver();
    }

    [Fact]
    public void Before_the_lock_is_dropped()
    {
        Place(_new.Weights, _new.Config);
        File.WriteAllBytes(_folder.PathOf("saving.0123456789abcdef0123456789abcdef.lock"), []);
        AssertLoads(1);
        AssertSavesOver();
    }

    [Fact]
    public void Before_the_first_adapter_of_a_folder()
    {
        File.WriteAllBytes(Weights + Staged, _new.Weights);
        File.WriteAllBytes(Config + Staged, _new.Config);
        var refusal = Assert.Throws<LoraException>(() => TwoAdapters.Adapter.Load(_folder.Path, _model));
        Assert.Equal($"{Config}: expected the config of an adapter, found no such file.", refusal.Message);
        AssertSavesOver();
    }

    [Fact]
    public void Between_the_renames_of_the_first_adapter_of_a_folder()
    {
        File.WriteAllBytes(Weights, _new.Weights);
        File.WriteAllBytes(Config + Staged, _new.Config);
        AssertLoads(1);
        AssertSavesOver();
    }

    // The save that comes next is cut off too, before it has changed anything: the config of the adapter is still the staged one.
    [Fact]
    public void A_save_that_fails_afterwards_leaves_the_adapter_as_it_was()
    {
        Place(_new.Weights, _old.Config);
        File.WriteAllBytes(Config + Staged, _new.Config);
        using var broken = _model.Make(0);
        using (var other = new FileStream(_folder.PathOf("saving.other.lock"), FileMode.CreateNew, FileAccess.Write, FileShare.None))
        {
            Assert.Throws<LoraException>(() => broken.Save(_folder.Path));
        }

        AssertLoads(1);
    }

    // What a user does to a finished adapter, and what PEFT would then read.
    [Fact]
    public void A_config_that_was_edited_by_hand_counts()
    {
        Place(_new.Weights, _new.Config);
        var config = JsonNode.Parse(_new.Config)!;
        config["lora_alpha"] = 7;
        File.WriteAllText(Config, config.ToJsonString());
        File.WriteAllBytes(Config + Staged, _old.Config);
        using var loaded = TwoAdapters.Adapter.Load(_folder.Path, _model);
        Assert.Equal(new LoraScale(5, 7, UseRslora: false), loaded.proj.Scale);
    }

    [Fact]
    public void A_config_that_was_edited_and_does_not_fit_the_weights_is_refused()
    {
        Place(_new.Weights, _old.Config);
        var refusal = Assert.Throws<LoraException>(() => TwoAdapters.Adapter.Load(_folder.Path, _model));
        Assert.Contains($"{Weights}: base_model.model.proj.lora_A.weight: expected shape [2, 64], found [5, 64]", refusal.Message, StringComparison.Ordinal);
    }

    // A mount point cannot be renamed over, so that the second rename of a real save fails and the first does not.
    [Fact]
    public void A_config_that_cannot_be_replaced_once_the_weights_are()
    {
        Place(_old.Weights, _old.Config);
        using var adapter = _model.Make(1);
        using (Mount.Bind(Config, Config))
        {
            var refusal = Assert.Throws<LoraException>(() => adapter.Save(_folder.Path));
            Assert.Contains(Config, refusal.Message, StringComparison.Ordinal);
            Assert.Contains("save again", refusal.Message, StringComparison.Ordinal);
            Assert.False(SavedPair.Fits(_folder.Path));
            AssertLoads(1);
        }

        AssertLoads(1);
        AssertSavesOver();
    }

    private void Place(byte[] weights, byte[] config)
    {
        File.WriteAllBytes(Weights, weights);
        File.WriteAllBytes(Config, config);
    }

    // And changes nothing by it.
    private void AssertLoads(int number)
    {
        var before = Content();
        using var loaded = TwoAdapters.Adapter.Load(_folder.Path, _model);
        Assert.Equal(number, TwoAdapters.NumberOf(loaded));
        Assert.Equal(before, Content());
    }

    private Dictionary<string, string> Content()
        => Directory.GetFiles(_folder.Path).ToDictionary(path => path, path => $"{File.GetLastWriteTimeUtc(path).Ticks} {Convert.ToHexString(File.ReadAllBytes(path))}");

    private void AssertSavesOver()
    {
        using var adapter = _model.Make(0);
        adapter.Save(_folder.Path);
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors"], _folder.Names());
        Assert.Equal(_old.Config, File.ReadAllBytes(Config));
        Assert.Equal(_old.Weights, File.ReadAllBytes(Weights));
    }
}
