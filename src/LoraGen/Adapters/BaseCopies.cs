using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>What an adapter in the making owns instead of the base's: copies that begin with the base's values.</summary>
internal sealed class BaseCopies : IDisposable
{
    private readonly List<Parameter> _copies = [];

    /// <summary>A copy in fp32, or in float64 where the base is.</summary>
    public Parameter Of(Tensor original)
    {
        using var inference = no_grad();
        using var values = empty(original.shape, original.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32, original.device);
        var copy = new Parameter(values.copy_(original));
        copy.DetachFromDisposeScope();
        _copies.Add(copy);
        return copy;
    }

    /// <summary>Frees the copies of an adapter that is refused.</summary>
    public void Dispose() => _copies.ForEach(copy => copy.Dispose());
}
