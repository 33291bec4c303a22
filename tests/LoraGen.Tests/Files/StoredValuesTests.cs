using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Files;

/// <summary>What Save writes, Load takes; what Load would refuse, Save refuses before it writes anything.</summary>
public sealed class StoredValuesTests : IDisposable
{
    private readonly ScratchFolder _folder = new();
    private readonly OneTarget _model = new(6, 4);
    private readonly OneTarget.Adapter _adapter;

    public StoredValuesTests() => _adapter = _model.CreateAdapter().Trained();

    public void Dispose()
    {
        _adapter.Dispose();
        _model.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(ScalarType.Float32, "F32")]
    [InlineData(ScalarType.Float16, "F16")]
    [InlineData(ScalarType.BFloat16, "BF16")]
    public void A_dtype_that_is_stored_and_widened_again(ScalarType dtype, string stored)
    {
        _adapter.to(dtype);
        _adapter.Save(_folder.Path);
        Assert.All(SafetensorsBytes.Parse(File.ReadAllBytes(_folder.PathOf("adapter_model.safetensors"))).Tensors.Values, tensor => Assert.Equal(stored, tensor.Dtype));
        using var loaded = OneTarget.Adapter.Load(_folder.Path, _model);
        Assert.Equal(ScalarType.Float32, loaded.proj.A.dtype);
        Assert.Equal(Values.Flat(_adapter.proj.A), Values.Flat(loaded.proj.A));
        Assert.Equal(Values.Flat(_adapter.proj.B), Values.Flat(loaded.proj.B));
    }

    [Fact]
    public void A_dtype_that_Load_would_refuse()
    {
        _adapter.Save(_folder.Path);
        var before = File.ReadAllBytes(_folder.PathOf("adapter_model.safetensors"));
        _adapter.to(ScalarType.Float64);

        var refusal = Assert.Throws<LoraException>(() => _adapter.Save(_folder.Path));

        Assert.Equal(
            $"{_folder.PathOf("adapter_model.safetensors")}: base_model.model.proj.lora_A.weight: expected Float32, Float16 or BFloat16, found Float64. Call adapter.to(ScalarType.Float32) before Save.",
            refusal.Message);
        Assert.Equal(before, File.ReadAllBytes(_folder.PathOf("adapter_model.safetensors")));
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors"], _folder.Names());
    }

    [Fact]
    public void A_dtype_that_Load_would_refuse_leaves_no_new_folder()
    {
        _adapter.to(ScalarType.Float64);
        Assert.Throws<LoraException>(() => _adapter.Save(_folder.PathOf("new")));
        Assert.False(Directory.Exists(_folder.PathOf("new")));
    }

    // As PEFT does it. Whoever merges them is told, and the base stays as it was.
    [Fact]
    public void Values_that_are_not_finite_come_back_and_are_not_merged()
    {
        using (no_grad())
        {
            _adapter.proj.A[0, 0] = float.NaN;
            _adapter.proj.A[1, 2] = float.PositiveInfinity;
            _adapter.proj.B[0, 1] = float.NegativeInfinity;
        }

        _adapter.Save(_folder.Path);
        using var loaded = OneTarget.Adapter.Load(_folder.Path, _model);
        Assert.Equal(Base.Bytes(_adapter), Base.Bytes(loaded));
        var weights = Base.Bytes(_model);
        Assert.Contains("proj", Assert.Throws<LoraException>(() => _model.Merge(loaded)).Message, StringComparison.Ordinal);
        Assert.Equal(weights, Base.Bytes(_model));
    }
}
