using LoraGen.Peft;
using LoraGen.Tests.Reference;

namespace LoraGen.Tests.Peft;

/// <summary>An adapter in loralib's layout, read by a second reader that shares nothing with the library.</summary>
public sealed class LoralibWriterTests : IDisposable
{
    private readonly AdapterFolder _adapter = new();

    public void Dispose() => _adapter.Dispose();

    [Fact]
    public void It_has_every_tensor_bit_for_bit_under_loralibs_key()
    {
        _adapter.Add("base_model.model.score.weight", 3);
        var file = Path.Combine(_adapter.Path, "lora.bin");
        var expected = SafetensorsBytes.Parse(File.ReadAllBytes(_adapter.Write().WeightsPath)).Tensors;
        using var checkpoint = PeftCheckpoint.Open(_adapter.Path);

        var alpha = checkpoint.SaveLoralib(file);

        var found = TorchZipBytes.Parse(File.ReadAllBytes(file));
        Assert.Equal(checkpoint.Config.Alpha, alpha);
        Assert.Equal(expected.Count, found.Count);
        foreach (var (key, tensor) in expected)
        {
            var own = found[key.Replace("base_model.model.", "", StringComparison.Ordinal).Replace(".lora_A.weight", ".lora_A", StringComparison.Ordinal).Replace(".lora_B.weight", ".lora_B", StringComparison.Ordinal)];
            Assert.Equal(tensor.Shape, own.Shape);
            Assert.Equal(tensor.Data, own.Data);
        }
    }

    [Fact]
    public void What_is_read_back_has_the_same_scale()
    {
        var file = Path.Combine(_adapter.Path, "lora.bin");
        _adapter.Write();
        using var checkpoint = PeftCheckpoint.Open(_adapter.Path);
        var alpha = checkpoint.SaveLoralib(file);

        using var again = PeftCheckpoint.OpenLoralib(file, alpha);

        Assert.Equal(checkpoint.Updates.Select(update => (update.Path, update.Rank, update.Scale)), again.Updates.Select(update => (update.Path, update.Rank, update.Scale)));
    }

    [Fact]
    public void A_convolution_is_refused()
    {
        _adapter.Weights.Tensors["base_model.model.conv.lora_A.weight"] = new("F32", [2, 3, 1, 1], new byte[24]);
        _adapter.Weights.Tensors["base_model.model.conv.lora_B.weight"] = new("F32", [4, 2, 1, 1], new byte[32]);
        _adapter.Write();
        using var checkpoint = PeftCheckpoint.Open(_adapter.Path);

        Assert.Contains("conv.lora_A.weight: expected linear layers", Assert.Throws<LoraException>(() => checkpoint.SaveLoralib(Path.Combine(_adapter.Path, "lora.bin"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_alphas_are_refused()
    {
        _adapter.Config["alpha_pattern"] = new System.Text.Json.Nodes.JsonObject { ["v_proj"] = 1.5 };
        _adapter.Write();
        using var checkpoint = PeftCheckpoint.Open(_adapter.Path);

        Assert.Contains("one alpha", Assert.Throws<LoraException>(() => checkpoint.SaveLoralib(Path.Combine(_adapter.Path, "lora.bin"))).Message, StringComparison.Ordinal);
    }
}
