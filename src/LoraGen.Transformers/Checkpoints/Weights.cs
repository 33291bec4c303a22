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
        => nn.Linear(Empty(outFeatures, inFeatures), bias ? Empty(outFeatures) : null);

    /// <summary>GPT-2's projection, weight [in, out] and bias [out].</summary>
    public Conv1D Conv1D(long inFeatures, long outFeatures) => new(new Parameter(Empty(inFeatures, outFeatures)), new Parameter(Empty(outFeatures)));

    /// <summary>A table [count, width].</summary>
    public Embedding Embedding(long count, long width)
    {
        // Embedding_from_pretrained draws a whole table first, and registers that one (TorchSharp 0.107).
        var result = nn.Embedding(1, 1);
        result.weight = Empty(count, width);
        return result;
    }

    /// <summary>A layer norm over the last axis, weight and bias [size].</summary>
    public LayerNorm LayerNorm(long size, double eps) => nn.LayerNorm(size, eps, device: device, dtype: dtype);

    /// <summary>A gain [size].</summary>
    public Parameter Vector(long size) => Empty(size);

    // Out of the caller's dispose scope, as the parameters of TorchSharp's own layers are.
    private Parameter Empty(params long[] shape)
    {
        var result = new Parameter(empty(shape, dtype, device));
        _ = result.DetachFromDisposeScope();
        return result;
    }
}
