using LoraGen.Transformers.Llama;
using LoraGen.Transformers.Tests.Checkpoints;
using LoraGen.Transformers.Tests.Llama;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests;

/// <summary>The class is the one that config.json names, and nothing is taken for another.</summary>
public sealed class AutoModelTests
{
    [Theory]
    [InlineData("llama")]
    [InlineData("mistral, sliding_window")]
    [InlineData("qwen2, layer_types")]
    [InlineData("qwen3, attention_bias")]
    public void The_members_of_the_Llama_family(string name)
    {
        using var saved = new TinyCheckpoint(FamilyConfigs.Of(name));
        using var model = Assert.IsType<LlamaForCausalLM>(AutoModel.Load(saved.Folder, ScalarType.BFloat16));
        Assert.Equal(FamilyConfigs.Of(name).ModelType, model.Config.ModelType);
        Assert.Equal(saved.Folder, model.Folder);
        Assert.All(model.parameters(), parameter => Assert.Equal(ScalarType.BFloat16, parameter.dtype));
    }

    [Theory]
    [InlineData("[\"LlamaForSequenceClassification\"]", "LlamaForCausalLM")]
    [InlineData("[\"MixtralForCausalLM\"]", "LlamaForCausalLM")]
    [InlineData("[]", "the name of one class")]
    [InlineData("null", "the name of one class")]
    [InlineData("[\"LlamaForCausalLM\", \"MistralForCausalLM\"]", "the name of one class")]
    public void Another_architecture(string architectures, string expected)
    {
        using var saved = new TinyCheckpoint();
        saved.EditJson(ConfigName, config => config["architectures"] = System.Text.Json.Nodes.JsonNode.Parse(architectures));
        var refusal = Assert.Throws<LoraException>(() => AutoModel.Load(saved.Folder));
        Assert.All(
            [saved.PathOf(ConfigName), "architectures", expected],
            part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void An_architecture_with_the_model_type_of_another()
    {
        using var saved = new TinyCheckpoint();
        saved.EditJson(ConfigName, config => config["architectures"]!.AsArray()[0] = "Qwen2ForCausalLM");
        var refusal = Assert.Throws<LoraException>(() => AutoModel.Load(saved.Folder));
        Assert.Contains("expected LlamaForCausalLM, found Qwen2ForCausalLM", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_is_not_there()
    {
        var refusal = Assert.Throws<LoraException>(() => AutoModel.Load("/nowhere/at/all"));
        Assert.Contains("/nowhere/at/all", refusal.Message, StringComparison.Ordinal);
    }

    private const string ConfigName = "config.json";
}
