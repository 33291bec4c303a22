using System.Text.Json.Nodes;
using LoraGen.Tests.Files;
using LoraGen.Tests.Models;

namespace LoraGen.Tests.Configuration;

/// <summary>
/// What is refused of the options that select projections, and how their outcome is saved and read (PEFT: peft/tuners/tuners_utils.py,
/// check_target_module_exists and _maybe_include_all_linear_layers). What they select is invariant 25.
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
        { new LoraConfig { ExcludeModules = [] }, "ExcludeModules []" },
        { new LoraConfig { ExcludeModulesPattern = "c_attn" }, "ExcludeModulesPattern 'c_attn'" },
        { new LoraConfig { ExcludeModules = ["wte"], ExcludeModulesPattern = "wte" }, "expected ExcludeModules or ExcludeModulesPattern, found both" },
        { new LoraConfig { LayersToTransform = [] }, "LayersToTransform []" },
        { new LoraConfig { LayersToTransform = [1], LayersPattern = ["(h"] }, "LayersPattern" },
        { new LoraConfig { LayersPattern = ["h"] }, "LayersPattern: expected LayersToTransform beside it" },
        { new LoraConfig { LayersToTransform = [1], TargetModulesPattern = ".*c_attn" }, "LayersToTransform: expected TargetModules beside it or nothing" },
        { new LoraConfig { LayersToTransform = [1], TargetModulesPattern = LoraConfig.AllLinear }, "LayersToTransform: expected TargetModules beside it or nothing" },
        { new LoraConfig { TargetModules = ["mix"] }, "TargetModules 'mix'" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_finds_nothing_or_contradicts_itself_is_refused(LoraConfig config, string because)
    {
        var refusal = Assert.Throws<LoraException>(() => _model.CreateAdapter(config));
        Assert.Contains(because, refusal.Message, StringComparison.Ordinal);
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
}
