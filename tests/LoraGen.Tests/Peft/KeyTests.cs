using LoraGen.Peft;
using static LoraGen.Peft.PeftTensorKind;

namespace LoraGen.Tests.Peft;

/// <summary>Keys as PEFT 0.2 to today has written them: what each tensor is, and of which module.</summary>
public sealed class KeyTests : IDisposable
{
    private readonly AdapterFolder _adapter = new();

    public void Dispose() => _adapter.Dispose();

    public static TheoryData<string, string, string, PeftTensorKind> Beside => new(
        ("base_model.model.classifier.weight", "classifier", "weight", Saved),
        ("base_model.model.classifier.dense.bias", "classifier.dense", "bias", Saved),
        ("base_model.model.classifier.modules_to_save.weight", "classifier", "weight", Saved),
        ("base_model.model.classifier.modules_to_save.default.weight", "classifier", "weight", Saved),
        ("base_model.model.classifier.modules_to_save.default.dense.weight", "classifier.dense", "weight", Saved),
        ("base_model.model.classifier.modules_to_save.dense.weight", "classifier.dense", "weight", Saved),
        ("base_model.model.classifier.modules_to_save.default.modules_to_save.default.weight", "classifier", "weight", Saved),
        ("base_model.model.classifier.original_module.weight", "classifier", "weight", Original),
        ("base_model.model.classifier.original_module.modules_to_save.default.weight", "classifier", "weight", Original),
        ("base_model.model.classifier.modules_to_save.default.original_module.dense.weight", "classifier.dense", "weight", Original),
        ("base_model.model.embed.token_adapter.trainable_tokens_delta", "embed", "token_adapter.trainable_tokens_delta", TrainableTokens),
        ("base_model.model.embed.token_adapter.trainable_tokens_delta.default", "embed", "token_adapter.trainable_tokens_delta", TrainableTokens),
        ("base_model.model.embed.token_adapter.base_layer.weight", "embed", "token_adapter.base_layer.weight", BaseLayer),
        ("base_model.model.layers.0.q_proj.base_layer.bias", "layers.0.q_proj", "base_layer.bias", BaseLayer),
        ("base_model.model.layers.0.q_proj.base_layer.weight", "layers.0.q_proj", "base_layer.weight", BaseLayer),
        ("base_model.model.norm", "", "norm", Saved),
        ("cls_token", "", "cls_token", Saved));

    [Theory]
    [MemberData(nameof(Beside))]
    public void A_tensor_beside_the_updates(string key, string path, string name, PeftTensorKind kind)
    {
        _adapter.Add(key, 3);
        using var checkpoint = _adapter.Open();
        var tensor = Assert.Single(checkpoint.Tensors, tensor => tensor.Key == key);
        Assert.Equal((path, name, kind), (tensor.Path, tensor.Name, tensor.Kind));
        Assert.Equal(2, checkpoint.Updates.Count);
    }

    public static TheoryData<string, string> Low => new(
        ("lora_A.weight", "lora_B.weight"), ("lora_A.default.weight", "lora_B.default.weight"), ("lora_A.mine.weight", "lora_B.mine.weight"));

    [Theory]
    [MemberData(nameof(Low))]
    public void A_and_B(string a, string b)
    {
        _adapter.Add($"base_model.model.x.out.{a}", 2, 7);
        _adapter.Add($"base_model.model.x.out.{b}", 6, 2);
        using var checkpoint = _adapter.Open();
        var update = Assert.Single(checkpoint.Updates, update => update.Path == "x.out");
        Assert.Equal(("lora_A.weight", A, "lora_B.weight", B), (update.A.Name, update.A.Kind, update.B.Name, update.B.Kind));
        Assert.Equal((2, 3.0, 1.5, 1, false), (update.Rank, update.Alpha, update.Scale, update.Blocks, update.IsEmbedding));
        Assert.Equal((2 * 7) + (6 * 2), update.Parameters);
    }

    [Theory]
    [InlineData("lora_embedding_A", "lora_embedding_B")]
    [InlineData("lora_embedding_A.default", "lora_embedding_B.default")]
    public void An_embedding(string a, string b)
    {
        _adapter.Add($"base_model.model.embed.{a}", 2, 9);
        _adapter.Add($"base_model.model.embed.{b}", 4, 2);
        using var checkpoint = _adapter.Open();
        Assert.True(Assert.Single(checkpoint.Updates, update => update.Path == "embed").IsEmbedding);
    }

    [Theory]
    [InlineData("lora_magnitude_vector")]
    [InlineData("lora_magnitude_vector.weight")]
    [InlineData("lora_magnitude_vector.default")]
    [InlineData("lora_magnitude_vector.default.weight")]
    public void DoRAs_magnitudes(string name)
    {
        _adapter.Add($"{AdapterFolder.Q}.{name}", 4);
        using var checkpoint = _adapter.Open();
        Assert.Equal("lora_magnitude_vector", checkpoint.Updates[0].Magnitude!.Name);
        Assert.Null(checkpoint.Updates[1].Magnitude);
    }

    [Theory]
    [InlineData("lora_B.bias")]
    [InlineData("lora_B.default.bias")]
    public void The_bias_of_B(string name)
    {
        _adapter.Add($"{AdapterFolder.Q}.{name}", 4);
        using var checkpoint = _adapter.Open();
        Assert.Equal("lora_B.bias", checkpoint.Updates[0].Bias!.Name);
    }

    [Theory]
    [InlineData("lora_E")]
    [InlineData("lora_A.default.qalora.weight")]
    [InlineData("lora_A")]
    [InlineData("lora_diag.default")]
    public void A_low_rank_tensor_of_another_kind(string name)
    {
        _adapter.Add($"{AdapterFolder.Q}.{name}", 2);
        Assert.Contains($"{AdapterFolder.Q}.{name}: expected one of LoRA's tensors", _adapter.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Two_adapters_in_one_file()
    {
        _adapter.Rename($"{AdapterFolder.Q}.lora_A.weight", $"{AdapterFolder.Q}.lora_A.first.weight");
        _adapter.Add($"{AdapterFolder.Q}.lora_A.second.weight", 2, 5);
        Assert.Contains("lora_A.second.weight: expected one tensor lora_A.weight of layers.0.q_proj, found another", _adapter.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("lora_A.mine.weight", "lora_B.mine.weight")]
    [InlineData("lora_embedding_A.mine", "lora_embedding_B.mine")]
    public void The_adapters_own_name_stands_in_a_saved_module_too(string a, string b)
    {
        _adapter.Rename($"{AdapterFolder.Q}.lora_A.weight", $"{AdapterFolder.Q}.{a}");
        _adapter.Rename($"{AdapterFolder.Q}.lora_B.weight", $"{AdapterFolder.Q}.{b}");
        _adapter.Add("base_model.model.score.modules_to_save.mine.weight", 3);
        using var checkpoint = _adapter.Open();
        Assert.Equal("score", Assert.Single(checkpoint.Tensors, tensor => tensor.Kind == Saved).Path);
    }
}
