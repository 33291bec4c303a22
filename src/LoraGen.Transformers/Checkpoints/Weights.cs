using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Checkpoints;

/// <summary>
/// Makes the weights of a model, not initialised, in the dtype and on the device where they stay: a checkpoint or the model's own
/// <c>Initialize</c> writes them. TorchSharp's constructors would spend seconds on random numbers that nobody reads, in fp32.
/// </summary>
internal sealed class Weights(ScalarType dtype, Device device)
{
    /// <summary>fp32 on the CPU, where a model is made that no checkpoint fills.</summary>
    public static Weights Default { get; } = new(ScalarType.Float32, CPU);

    /// <summary>Shapes alone: a model of these takes no memory, and says what a checkpoint has to hold.</summary>
    public static Weights Shapes { get; } = new(ScalarType.Float32, META);

    /// <summary>A projection, weight [out, in] and bias [out].</summary>
    public Linear Linear(long inFeatures, long outFeatures, bool bias = false)
        => nn.Linear(new Parameter(Empty(outFeatures, inFeatures)), bias ? new Parameter(Empty(outFeatures)) : null);

    /// <summary>A table [count, width].</summary>
    public Embedding Embedding(long count, long width)
    {
        // Embedding_from_pretrained draws a whole table first, and registers that one (TorchSharp 0.107).
        var result = nn.Embedding(1, 1);
        result.weight = new Parameter(Empty(count, width));
        return result;
    }

    /// <summary>A layer norm over the last axis, weight and bias [size].</summary>
    public LayerNorm LayerNorm(long size, double eps) => nn.LayerNorm(size, eps, device: device, dtype: dtype);

    /// <summary>A gain [size].</summary>
    public Parameter Vector(long size)
    {
        var result = new Parameter(Empty(size));
        _ = result.DetachFromDisposeScope(); // As TorchSharp's own layers do.
        return result;
    }

    private Tensor Empty(params long[] shape) => empty(shape, dtype, device);
}
