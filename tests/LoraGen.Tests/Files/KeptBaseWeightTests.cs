using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Files;

/// <summary>
/// PEFT saves the base's weight of an adapted embedding beside A and B (<c>save_embedding_layers="auto"</c>): it must be this base's.
/// </summary>
public sealed class KeptBaseWeightTests : IDisposable
{
    private const string Key = "base_model.model.proj.base_layer.weight";

    private readonly IDisposable _scope = NewDisposeScope();
    private readonly ScratchFolder _folder = new();
    private readonly OneEmbedding _model = new(6, 4);
    private readonly Dictionary<string, byte[]> _saved;

    public KeptBaseWeightTests()
    {
        using var adapter = _model.CreateAdapter().Trained();
        adapter.Save(_folder.Path);
        _saved = Base.Bytes(adapter);
    }

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
        _scope.Dispose();
    }

    [Theory]
    [InlineData(ScalarType.Float32, "F32")]
    [InlineData(ScalarType.BFloat16, "BF16")]
    public void That_of_this_base_is_accepted(ScalarType dtype, string name)
    {
        Keep(Key, name, [6, 4], Weight.to_type(dtype));
        using var loaded = OneEmbedding.Adapter.Load(_folder.Path, _model);
        Assert.Equal(_saved, Base.Bytes(loaded));
    }

    [Fact]
    public void That_of_another_base_is_refused()
    {
        var other = Weight.clone();
        other[5, 3] += 0.25;
        Keep(Key, "F32", [6, 4], other);
        Refused(Key, "expected the values of this base");
    }

    [Fact]
    public void That_of_an_extended_vocabulary_is_refused()
    {
        Keep(Key, "F32", [7, 4], cat([Weight, zeros(1, 4)]));
        Refused(Key, "[6, 4]", "[7, 4]");
    }

    [Fact]
    public void That_of_what_is_not_adapted_is_unexpected()
    {
        Keep("base_model.model.other.base_layer.weight", "F32", [6, 4], Weight);
        Refused("unexpected: [base_model.model.other.base_layer.weight]");
    }

    private Tensor Weight => _model.state_dict()["proj.weight"].detach();

    private void Keep(string key, string dtype, long[] shape, Tensor weight)
    {
        var path = _folder.PathOf("adapter_model.safetensors");
        var file = SafetensorsBytes.Parse(File.ReadAllBytes(path));
        file.Tensors.Add(key, new SafetensorsBytes.Stored(dtype, shape, Base.Bytes(weight)));
        File.WriteAllBytes(path, file.ToArray());
    }

    private void Refused(params string[] named)
    {
        var refusal = Assert.Throws<LoraException>(() => OneEmbedding.Adapter.Load(_folder.Path, _model));
        Assert.All(named, part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
    }
}
