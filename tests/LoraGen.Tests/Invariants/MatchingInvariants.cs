using LoraGen.Tests.Models;

namespace LoraGen.Tests.Invariants;

/// <summary>What PEFT's tests hold of target_modules and its companions (tests/test_tuners_utils.py).</summary>
public sealed class MatchingInvariants : IDisposable
{
    private static readonly string[] Attention = [.. Enumerable.Range(0, 3).Select(layer => $"transformer.h.{layer}.c_attn")];

    private readonly Gpt _model = new();

    public void Dispose() => _model.Dispose();

    public static TheoryData<LoraConfig, string[]> Selected => new()
    {
        // What the attributes adapt by default, as PEFT does by its table of architectures.
        { new(), Attention },

        // A list: the path itself, or what ends with a dot and the name.
        { new() { TargetModules = ["wte", "lm_head", "h.1.gate"] }, ["transformer.wte", "transformer.h.1.gate", "lm_head"] },

        // A string is a pattern for the whole path.
        { new() { TargetModulesPattern = @"transformer\.h\.[02]\.(c_proj|gate)" }, ["transformer.h.0.c_proj", "transformer.h.0.gate", "transformer.h.2.c_proj", "transformer.h.2.gate"] },
        { new() { TargetModulesPattern = "lm_head|.*wte" }, ["lm_head", "transformer.wte"] },

        // all-linear: every Linear and Conv1D, neither the head nor the embedding.
        { new() { TargetModulesPattern = "all-linear" }, Layers("c_attn", "c_proj", "gate") },
        { new() { TargetModulesPattern = "ALL-Linear" }, Layers("c_attn", "c_proj", "gate") },

        // What is excluded is left out whatever targets it.
        { new() { ExcludeModules = ["h.1.c_attn"] }, [Attention[0], Attention[2]] },
        { new() { TargetModules = ["lm_head", "wte"], ExcludeModules = ["lm_head"] }, ["transformer.wte"] },
        { new() { TargetModulesPattern = "all-linear", ExcludeModulesPattern = @"transformer\.h\.[12]\..*|.*c_proj" }, ["transformer.h.0.c_attn", "transformer.h.0.gate"] },

        // Only the layers that are asked for: what is in no layer is left out, what is named by its whole path is not.
        { new() { LayersToTransform = [0, 2] }, [Attention[0], Attention[2]] },
        { new() { TargetModules = ["gate", "wte"], LayersToTransform = [1] }, ["transformer.h.1.gate"] },
        { new() { LayersToTransform = [1], LayersPattern = ["layers", "h"] }, [Attention[1]] },
        { new() { TargetModules = ["c_attn", "transformer.h.2.gate", "lm_head"], LayersToTransform = [1] }, [Attention[1], "transformer.h.2.gate", "lm_head"] },
    };

    // PEFT refuses only where nothing at all is found, and passes over the rest. Here each name must find something.
    public static TheoryData<LoraConfig, string> Refused => new()
    {
        { new() { TargetModules = ["q_porj"] }, "[TargetModules 'q_porj']" },
        { new() { TargetModules = ["c_attn", "q_porj"] }, "[TargetModules 'q_porj']" },
        { new() { TargetModules = ["attn"] }, "[TargetModules 'attn']" },
        { new() { TargetModulesPattern = "c_attn" }, "[TargetModulesPattern 'c_attn']" },
        { new() { TargetModules = [] }, "TargetModules []" },
        { new() { ExcludeModules = ["c_atn"] }, "[ExcludeModules 'c_atn']" },
        { new() { ExcludeModules = ["c_attn"] }, "expected a projection to adapt, found none" },
        { new() { LayersToTransform = [1, 3] }, "[LayersToTransform 3]" },
        { new() { LayersToTransform = [1], LayersPattern = ["layers"] }, "LayersToTransform 1" },
    };

    [Theory]
    [MemberData(nameof(Selected))]
    public void I25_The_targets_are_those_of_PEFTs_rules(LoraConfig config, string[] expected)
    {
        using var adapter = _model.CreateAdapter(config);
        Assert.Equal(expected.Order(StringComparer.Ordinal), adapter.Updates.Select(update => update.Path).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void I25_What_finds_nothing_is_refused_by_name_and_with_what_there_is(LoraConfig config, string because)
    {
        var refusal = Assert.Throws<LoraException>(() => _model.CreateAdapter(config));
        Assert.All([because, "transformer.wte", "lm_head"], part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
        Assert.All(_model.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    private static string[] Layers(params string[] names) => [.. from layer in Enumerable.Range(0, 3) from name in names select $"transformer.h.{layer}.{name}"];
}
