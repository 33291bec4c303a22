using System.Text.Json.Nodes;
using LoraGen.Tests.Files;
using LoraGen.Tests.Models;

namespace LoraGen.Tests.Configuration;

/// <summary>
/// What is adapted by default, by <c>all-linear</c>, without what is excluded and in some of the layers: PEFT's rules
/// (peft/tuners/tuners_utils.py, check_target_module_exists and _maybe_include_all_linear_layers).
/// </summary>
public sealed class SelectionTests : IDisposable
{
    private readonly Gpt _model = new();
    private readonly ScratchFolder _folder = new();

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Without_a_config_what_the_attributes_adapt_by_default()
        => Adapts(new LoraConfig(), "transformer.h.0.c_attn", "transformer.h.1.c_attn", "transformer.h.2.c_attn");

    [Fact]
    public void By_name_whatever_is_annotated()
        => Adapts(
            new LoraConfig { TargetModules = ["wte", "lm_head", "h.1.gate"] },
            "transformer.wte", "transformer.h.1.gate", "lm_head");

    [Theory]
    [InlineData(LoraConfig.AllLinear)]
    [InlineData("ALL-Linear")]
    public void All_linear_is_every_Linear_and_Conv1D_but_the_output_head(string pattern)
        => Adapts(
            new LoraConfig { TargetModulesPattern = pattern },
            [.. new[] { 0, 1, 2 }.SelectMany(i => new[] { $"transformer.h.{i}.c_attn", $"transformer.h.{i}.c_proj", $"transformer.h.{i}.gate" })]);

    [Fact]
    public void What_is_excluded_is_left_out_whatever_targets_it()
    {
        Adapts(new LoraConfig { ExcludeModules = ["h.1.c_attn"] }, "transformer.h.0.c_attn", "transformer.h.2.c_attn");
        Adapts(new LoraConfig { TargetModules = ["lm_head", "wte"], ExcludeModules = ["lm_head"] }, "transformer.wte");
        Adapts(
            new LoraConfig { TargetModulesPattern = LoraConfig.AllLinear, ExcludeModulesPattern = @"transformer\.h\.[12]\..*|.*c_proj" },
            "transformer.h.0.c_attn", "transformer.h.0.gate");
    }

    [Fact]
    public void Only_the_layers_that_are_asked_for()
    {
        Adapts(new LoraConfig { LayersToTransform = [0, 2] }, "transformer.h.0.c_attn", "transformer.h.2.c_attn");
        Adapts(new LoraConfig { TargetModules = ["gate", "wte"], LayersToTransform = [1] }, "transformer.h.1.gate");
        Adapts(new LoraConfig { LayersToTransform = [1], LayersPattern = ["layers", "h"] }, "transformer.h.1.c_attn");
    }

    [Fact]
    public void A_whole_path_is_adapted_in_whatever_layer_it_is()
        => Adapts(
            new LoraConfig { TargetModules = ["c_attn", "transformer.h.2.gate", "lm_head"], LayersToTransform = [1] },
            "transformer.h.1.c_attn", "transformer.h.2.gate", "lm_head");

    // PEFT's regular expression wants two names before the number.
    [Fact]
    public void A_list_of_layers_at_the_top_of_the_model_has_no_layers_to_PEFT()
    {
        using var stack = new Gpt.Stack();
        var refusal = Assert.Throws<LoraException>(() => stack.CreateAdapter(new LoraConfig { LayersToTransform = [1] }));
        Assert.Contains("LayersToTransform 1", refusal.Message, StringComparison.Ordinal);
    }

    public static TheoryData<LoraConfig, string> Refused => new()
    {
        { new LoraConfig { ExcludeModules = ["c_atn"] }, "ExcludeModules 'c_atn'" },
        { new LoraConfig { ExcludeModules = [] }, "ExcludeModules []" },
        { new LoraConfig { ExcludeModulesPattern = "c_attn" }, "ExcludeModulesPattern 'c_attn'" },
        { new LoraConfig { ExcludeModules = ["wte"], ExcludeModulesPattern = "wte" }, "expected ExcludeModules or ExcludeModulesPattern, found both" },
        { new LoraConfig { LayersToTransform = [1, 3] }, "[LayersToTransform 3]" },
        { new LoraConfig { LayersToTransform = [] }, "LayersToTransform []" },
        { new LoraConfig { LayersToTransform = [1], LayersPattern = ["layers"] }, "LayersToTransform 1" },
        { new LoraConfig { LayersToTransform = [1], LayersPattern = ["(h"] }, "LayersPattern" },
        { new LoraConfig { LayersPattern = ["h"] }, "LayersPattern: expected LayersToTransform beside it" },
        { new LoraConfig { LayersToTransform = [1], TargetModulesPattern = ".*c_attn" }, "LayersToTransform: expected TargetModules beside it or nothing" },
        { new LoraConfig { LayersToTransform = [1], TargetModulesPattern = LoraConfig.AllLinear }, "LayersToTransform: expected TargetModules beside it or nothing" },
        { new LoraConfig { ExcludeModules = ["c_attn"] }, "expected a projection to adapt, found none" },
        { new LoraConfig { TargetModules = ["mix"] }, "TargetModules 'mix'" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_finds_nothing_or_contradicts_itself_is_refused(LoraConfig config, string because)
    {
        var refusal = Assert.Throws<LoraException>(() => _model.CreateAdapter(config));
        Assert.Contains(because, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_refused_for_finding_nothing_says_what_there_is()
    {
        var refusal = Assert.Throws<LoraException>(() => _model.CreateAdapter(new LoraConfig { ExcludeModules = ["c_attn"] }));
        Assert.Contains("transformer.wte", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("lm_head", refusal.Message, StringComparison.Ordinal);
    }

    // What the options select is saved as a list that PEFT reads in the same way, and a conv1d among them turns the flag.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_outcome_is_saved(bool withConv1D)
    {
        using var adapter = _model.CreateAdapter(withConv1D
            ? new LoraConfig { TargetModules = ["c_attn", "gate", "wte"], LayersToTransform = [1], ExcludeModules = ["gate"] }
            : new LoraConfig { TargetModules = ["gate", "wte"] });
        adapter.Save(_folder.Path);

        var config = Config();
        Assert.Equal(withConv1D ? """["transformer.h.1.c_attn"]""" : """["gate","wte"]""", config["target_modules"]!.ToJsonString());
        Assert.Equal(withConv1D, config["fan_in_fan_out"]!.GetValue<bool>());
        Assert.Null(config["layers_to_transform"]);
        Assert.False(config.ContainsKey("exclude_modules"));
        using var loaded = Gpt.Adapter.Load(_folder.Path, _model);
        Assert.Equal(adapter.Updates.Select(update => update.Path), loaded.Updates.Select(update => update.Path));
    }

    // As PEFT would have written it: the options themselves.
    [Theory]
    [InlineData("""{"target_modules": ["c_attn", "gate"], "layers_to_transform": [1], "exclude_modules": ["gate"]}""")]
    [InlineData("""{"target_modules": ["c_attn"], "layers_to_transform": 1, "layers_pattern": "h", "exclude_modules": []}""")]
    [InlineData("""{"target_modules": ["c_attn"], "layers_to_transform": [1], "layers_pattern": ["h"], "exclude_modules": null}""")]
    [InlineData("""{"target_modules": ".*c_attn", "layers_to_transform": [], "layers_pattern": "", "exclude_modules": ".*h\\.[02].*"}""")]
    [InlineData("""{"target_modules": ["c_attn"], "exclude_modules": ["h.0.c_attn", "h.2.c_attn", "of_another_model"]}""")]
    [InlineData("""{"target_modules": "all-linear", "exclude_modules": ".*(h\\.[02]|c_proj|gate).*"}""")]
    public void A_file_may_give_the_options_themselves(string options)
    {
        using var adapter = _model.CreateAdapter(new LoraConfig { TargetModules = ["h.1.c_attn"] }).Trained();
        adapter.Save(_folder.Path);
        var config = Config();
        foreach (var (option, value) in JsonNode.Parse(options)!.AsObject())
        {
            config[option] = value?.DeepClone();
        }

        File.WriteAllText(_folder.PathOf("adapter_config.json"), config.ToJsonString());

        using var loaded = Gpt.Adapter.Load(_folder.Path, _model);
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(loaded));
    }

    // It says how the base's weight lies, which the field's type knows; PEFT, too, corrects it layer by layer.
    [Theory]
    [InlineData("c_attn", false)]
    [InlineData("gate", true)]
    [InlineData("wte", true)]
    public void A_wrong_fan_in_fan_out_changes_nothing(string target, bool flag)
    {
        using var adapter = _model.CreateAdapter(new LoraConfig { TargetModules = [target] }).Trained();
        adapter.Save(_folder.Path);
        var config = Config();
        Assert.NotEqual(flag, config["fan_in_fan_out"]!.GetValue<bool>());
        config["fan_in_fan_out"] = flag;
        File.WriteAllText(_folder.PathOf("adapter_config.json"), config.ToJsonString());

        using var loaded = Gpt.Adapter.Load(_folder.Path, _model);
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(loaded));
    }

    private JsonObject Config() => JsonNode.Parse(File.ReadAllText(_folder.PathOf("adapter_config.json")))!.AsObject();

    private void Adapts(LoraConfig config, params string[] expected)
    {
        using var adapter = _model.CreateAdapter(config);
        Assert.Equal(expected.Order(StringComparer.Ordinal), adapter.Updates.Select(update => update.Path).Order(StringComparer.Ordinal));
    }
}
