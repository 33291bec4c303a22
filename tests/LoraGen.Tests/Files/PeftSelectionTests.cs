using System.Text.Json.Nodes;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Files;

/// <summary>
/// PEFT, reading what was saved, adapts exactly the projections that were adapted, each with its rank and its scale; and so does LoraGen.
/// </summary>
public sealed class PeftSelectionTests : IDisposable
{
    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<LoraConfig> TowerConfigs => new(
        new LoraConfig(),
        new LoraConfig { UseRslora = true },
        new LoraConfig { TargetModules = ["up"] },
        new LoraConfig { TargetModules = ["entrance.up", "lm_head"] },
        new LoraConfig { TargetModules = ["floors.0.entrance.up"] },
        new LoraConfig { TargetModulesPattern = @"floors\.1\..*" },
        new LoraConfig { TargetModulesPattern = @".*\.h\.1\.(up|down)|lm_head" },
        new LoraConfig { Rank = 2, RankPattern = new Dictionary<string, int> { ["up"] = 4 }, Alpha = 16 },
        new LoraConfig { RankPattern = new Dictionary<string, int> { ["h.1.up"] = 5, ["^lm_head"] = 1 } },
        new LoraConfig { Alpha = 4, AlphaPattern = new Dictionary<string, double> { ["floors.0.entrance.down"] = 2.5, ["h.0.down"] = 7 } },
        new LoraConfig
        {
            UseRslora = true,
            TargetModules = ["up"],
            RankPattern = new Dictionary<string, int> { ["floors.0.h.0.up"] = 1, ["floors.0.h.1.up"] = 2, ["floors.1.h.1.up"] = 5 },
            AlphaPattern = new Dictionary<string, double> { ["entrance.up"] = 1, ["floors.1.h.1.up"] = 3 },
        });

    [Theory]
    [MemberData(nameof(TowerConfigs))]
    public void In_a_tree_of_lists(LoraConfig config)
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter(config).Trained();
        AssertSelects(model, adapter);
        using var loaded = Tower.Adapter.Load(_folder.Path, model);
        AssertSame(adapter, loaded);
    }

    [Theory]
    [InlineData("c_attn|wte|lm_head", 5)]
    [InlineData("gate|c_attn", 6)]
    [InlineData("wte", 1)]
    public void Among_projections_of_several_kinds(string names, int count)
    {
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(new LoraConfig { TargetModules = names.Split('|'), RankPattern = new Dictionary<string, int> { ["wte|gate"] = 3 } }).Trained();
        Assert.Equal(count, adapter.Updates.Count);
        AssertSelects(model, adapter);
        using var loaded = Gpt.Adapter.Load(_folder.Path, model);
        AssertSame(adapter, loaded);
    }

    [Fact]
    public void In_some_layers_and_without_what_is_excluded()
    {
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(new LoraConfig { TargetModules = ["c_attn", "gate"], LayersToTransform = [0, 2], ExcludeModules = ["h.2.gate"] }).Trained();
        Assert.Equal(3, adapter.Updates.Count);
        AssertSelects(model, adapter);
        using var loaded = Gpt.Adapter.Load(_folder.Path, model);
        AssertSame(adapter, loaded);
    }

    // "fc" alone would catch both, whether it is meant as a name or as a path.
    [Theory]
    [InlineData("fc")]
    [InlineData(@"inside\.fc")]
    [InlineData(".*fc")]
    public void Where_one_path_is_the_end_of_another(string pattern)
    {
        using var model = new Echo();
        using var adapter = model.CreateAdapter(new LoraConfig { TargetModulesPattern = pattern }).Trained();
        AssertSelects(model, adapter);
        using var loaded = Echo.Adapter.Load(_folder.Path, model);
        AssertSame(adapter, loaded);
    }

    // The shortest form that says no more: a last name, else whole paths, else a pattern.
    [Theory]
    [InlineData(".*up", """["up"]""")]
    [InlineData(".*entrance.*", """["floors.0.entrance.down","floors.0.entrance.up","floors.1.entrance.down","floors.1.entrance.up"]""")]
    public void The_targets_are_written_as_names_and_else_as_paths(string pattern, string written)
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter(new LoraConfig { TargetModulesPattern = pattern });
        adapter.Save(_folder.Path);
        Assert.Equal(written, JsonNode.Parse(File.ReadAllText(_folder.PathOf("adapter_config.json")))!["target_modules"]!.ToJsonString());
    }

    [Fact]
    public void Where_one_path_is_the_end_of_another_and_their_ranks_differ()
    {
        using var model = new Echo();
        using var adapter = model.CreateAdapter(new LoraConfig
        {
            RankPattern = new Dictionary<string, int> { ["^fc"] = 2, ["inside.fc"] = 3 },
            AlphaPattern = new Dictionary<string, double> { ["^fc"] = 5 },
        }).Trained();
        AssertSelects(model, adapter);
        using var loaded = Echo.Adapter.Load(_folder.Path, model);
        AssertSame(adapter, loaded);
    }

    [Fact]
    public void Where_names_hold_what_a_regular_expression_gives_a_meaning_to()
    {
        using var model = new Odd();
        using var adapter = model.CreateAdapter().Trained();
        AssertSelects(model, adapter);
        using var loaded = Odd.Adapter.Load(_folder.Path, model);
        AssertSame(adapter, loaded);
    }

    private void AssertSelects(nn.Module model, LoraAdapter adapter)
    {
        adapter.Save(_folder.Path);
        var rules = PeftRules.Of(_folder.Path);
        Assert.Equal(
            adapter.Updates.Select(update => update.Path).Order(StringComparer.Ordinal),
            model.named_modules().Select(item => item.name).Where(rules.Adapts).Order(StringComparer.Ordinal));
        Assert.All(adapter.Updates, update =>
            Assert.Equal((update.Scale.Rank, update.Scale.Factor), (rules.Rank(update.Path), rules.Scale(update.Path))));
    }

    private static void AssertSame(LoraAdapter expected, LoraAdapter found)
    {
        Assert.Equal(Base.Bytes(expected), Base.Bytes(found));
        Assert.Equal(
            expected.Updates.Select(update => (update.Path, update.Scale, update.Dropout)),
            found.Updates.Select(update => (update.Path, update.Scale, update.Dropout)));
    }
}
