using static LoraGen.Tests.Peft.AdapterFolder;

namespace LoraGen.Tests.Peft;

/// <summary>Tensors that do not fit each other, or the config, are refused when the adapter is opened.</summary>
public sealed class ShapeTests : IDisposable
{
    private readonly AdapterFolder _adapter = new();

    public void Dispose() => _adapter.Dispose();

    [Fact]
    public void A_without_B() => AssertRefused(() => _adapter.Weights.Tensors.Remove($"{V}.lora_B.weight"), $"{V}.lora_A.weight: expected both A and B of its layer, and one of each, found only [lora_A.weight].");

    [Fact]
    public void B_without_A() => AssertRefused(() => _adapter.Weights.Tensors.Remove($"{V}.lora_A.weight"), "found only [lora_B.weight].");

    [Fact]
    public void A_bias_alone() => AssertRefused(() => _adapter.Add("base_model.model.k.lora_B.bias", 4), "found only [lora_B.bias].");

    [Fact]
    public void A_of_a_linear_layer_and_of_an_embedding() => AssertRefused(() => _adapter.Add($"{Q}.lora_embedding_A", 2, 5), "expected both A and B of its layer, and one of each");

    [Fact]
    public void Another_rank_than_the_configs()
        => AssertRefused(() => _adapter.Config["r"] = 4, $"{Q}.lora_A.weight: expected shape [4, in], since the rank is 4, found [2, 5].");

    [Fact]
    public void Another_rank_than_the_patterns()
        => AssertRefused(() => _adapter.Config["rank_pattern"] = new System.Text.Json.Nodes.JsonObject { ["v_proj"] = 3 }, $"{V}.lora_A.weight: expected shape [3, in], since the rank is 3, found [2, 5].");

    [Fact]
    public void B_of_another_rank_than_A()
        => AssertRefused(() => _adapter.Add($"{Q}.lora_B.weight", 4, 3), $"{Q}.lora_B.weight: expected shape [out, 2], since the rank is 2 and A is [2, 5], found [4, 3].");

    [Fact]
    public void B_transposed() => AssertRefused(() => _adapter.Add($"{Q}.lora_B.weight", 2, 4), "found [2, 4].");

    [Fact]
    public void A_vector_as_A() => AssertRefused(() => _adapter.Add($"{Q}.lora_A.weight", 10), "found [10].");

    [Fact]
    public void A_convolution_whose_B_is_not_one_by_one()
    {
        _adapter.Add($"{Q}.lora_A.weight", 2, 3, 3, 3);
        AssertRefused(() => _adapter.Add($"{Q}.lora_B.weight", 4, 2, 3, 3), "found [4, 2, 3, 3].");
    }

    [Fact]
    public void A_convolution_of_several_groups()
    {
        _adapter.Add($"{Q}.lora_A.weight", 2, 3, 3, 3);
        AssertRefused(() => _adapter.Add($"{Q}.lora_B.weight", 4, 1, 1, 1), $"{Q}.lora_B.weight: expected a convolution of one group, found one of 2, whose A takes in the channels of all groups");
    }

    [Fact]
    public void A_bias_of_another_length() => AssertRefused(() => _adapter.Add($"{Q}.lora_B.bias", 5), $"{Q}.lora_B.bias: expected 4 values, as many as B has rows, found [5].");

    [Fact]
    public void Magnitudes_of_another_length() => AssertRefused(() => _adapter.Add($"{Q}.lora_magnitude_vector", 2, 4), "expected 4 values, as many as B has rows, found [2, 4].");

    [Fact]
    public void Integers()
        => AssertRefused(() => _adapter.Weights.Tensors[$"{Q}.lora_A.weight"] = new("I64", [2, 5], new byte[80]), $"{Q}.lora_A.weight: expected F16, BF16, F32 or F64, found Int64.");

    // DeepSpeed's ZeRO-3 leaves nothing in the process that saves.
    [Fact]
    public void A_tensor_without_values() => AssertRefused(() => _adapter.Add($"{Q}.lora_A.weight", 0), $"{Q}.lora_A.weight: expected values, found shape [0]: it was saved while its values lay on other devices (DeepSpeed ZeRO-3)");

    private void AssertRefused(Action spoil, string message)
    {
        spoil();
        var refusal = _adapter.Refusal();
        Assert.StartsWith(_adapter.WeightsPath, refusal, StringComparison.Ordinal);
        Assert.Contains(message, refusal, StringComparison.Ordinal);
    }
}
