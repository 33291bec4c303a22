using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;

namespace LoraGen.Tests.Peft;

/// <summary>An adapter whose weights are a pickle is checked like one in safetensors; that it is the same is invariant 18.</summary>
public sealed class PickleAdapterTests : IDisposable
{
    private readonly SavedTower _saved = new();

    public void Dispose() => _saved.Dispose();

    [Fact]
    public void A_tensor_of_another_shape_is_refused_by_its_key()
    {
        var weights = SafetensorsBytes.Parse(File.ReadAllBytes(_saved.WeightsPath));
        var (key, tensor) = weights.Tensors.First();
        weights.Tensors[key] = tensor with { Shape = [.. tensor.Shape.Reverse()] };
        var path = WriteAsPickle(weights);
        Assert.StartsWith($"{path}: {key}: expected shape", Assert.Throws<LoraException>(() => Tower.Adapter.Load(_saved.Folder, _saved.Model)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_too_many_is_refused_by_its_key()
    {
        var weights = SafetensorsBytes.Parse(File.ReadAllBytes(_saved.WeightsPath));
        weights.Tensors["more"] = weights.Tensors.First().Value;
        WriteAsPickle(weights);
        Assert.Contains("unexpected: [more]", Assert.Throws<LoraException>(() => Tower.Adapter.Load(_saved.Folder, _saved.Model)).Message, StringComparison.Ordinal);
    }

    private string WriteAsPickle(SafetensorsBytes weights)
    {
        File.Delete(_saved.WeightsPath);
        var path = Path.Combine(_saved.Folder, "adapter_model.bin");
        File.WriteAllBytes(path, TorchZipBytes.Write(weights));
        return path;
    }
}
