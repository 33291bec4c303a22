using System.Text.Json.Nodes;
using LoraGen.Peft;
using LoraGen.Tests.Files;
using LoraGen.Tests.ModulesToSave;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Tests.Configuration;

/// <summary>An adapter without an A and a B, which only owns modules, biases or rows: PEFT reads one whose targets are a name that matches nothing.</summary>
public sealed class WithoutUpdatesTests
{
    public static TheoryData<LoraConfig> Configs =>
    [
        new LoraConfig { TargetModules = [], ModulesToSave = ["lm_head"] },
        new LoraConfig { TargetModules = [], TrainableTokenIndices = [4, 1] },
        new LoraConfig { TargetModules = [], Bias = TrainedBiases.All },
        new LoraConfig { TargetModules = [], Bias = TrainedBiases.All, TrainableTokenIndices = [4], ModulesToSave = ["lm_head"] },
    ];

    [Theory]
    [MemberData(nameof(Configs))]
    public void It_trains_merges_and_comes_back(LoraConfig config)
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(config).Filled();
        Assert.Empty(adapter.Updates);
        var (before, bare) = (Base.Bytes(model), Base.Bytes(model.call(Ids())));
        model.ActiveAdapter = adapter;
        var active = Values.Flat(model.call(Ids()));
        Assert.NotEqual(bare, Base.Bytes(model.call(Ids())));

        model.Merge(adapter);
        Assert.All(active.Zip(Values.Flat(model.call(Ids()))), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-5 * (1 + active.Max(Math.Abs))));
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));

        adapter.Save(folder.Path);
        var saved = JsonNode.Parse(File.ReadAllText(folder.PathOf("adapter_config.json")))!;
        Assert.Equal(("dummy-target-modules", 8, 8, 0), (saved["target_modules"]!.GetValue<string>(), saved["r"]!.GetValue<int>(), saved["lora_alpha"]!.GetValue<double>(), saved["lora_dropout"]!.GetValue<double>()));
        using var loaded = Gpt.Adapter.Load(folder.Path, model);
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(loaded));
        model.ActiveAdapter = loaded;
        Assert.Equal(active, Values.Flat(model.call(Ids())));
        Assert.NotEmpty(PeftCheckpoint.Inspect(folder.Path).Saved);
        Assert.NotEmpty(adapter.ParameterGroups(1e-4, 16));
    }

    [Fact]
    public void One_that_owns_nothing_is_refused()
    {
        using var model = new Gpt();
        Assert.Contains("TargetModules []", Assert.Throws<LoraException>(() => model.CreateAdapter(new LoraConfig { TargetModules = [] })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_that_match_nothing_are_refused_whatever_else_it_owns()
    {
        using var model = new Gpt();
        Assert.Contains("TargetModules 'c_atn'", Assert.Throws<LoraException>(() => model.CreateAdapter(new LoraConfig { TargetModules = ["c_atn"], ModulesToSave = ["lm_head"] })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void There_is_no_sum_of_them()
    {
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(new LoraConfig { TargetModules = [], ModulesToSave = ["lm_head"] });
        Assert.Contains("lm_head", Assert.Throws<LoraException>(() => model.Combine(new CombineOptions(), (adapter, 1))).Message, StringComparison.Ordinal);
    }

    private static Tensor Ids() => tensor(new long[] { 3, 1, 6, 0, 5, 3, 4, 2 }).view(2, 4);
}
