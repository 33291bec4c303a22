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
    private int _left = int.MaxValue;
    private string? _refusal;

    /// <summary>fp32 on the CPU, where a model is made that no checkpoint fills.</summary>
    public static Weights Default { get; } = new(ScalarType.Float32, CPU);

    /// <summary>
    /// Shapes alone: a model of these takes no memory for weights, and says what a checkpoint has to hold. Its modules do take some, so there are
    /// no more of them than a file of <paramref name="tensors"/> tensors could have been meant for.
    /// </summary>
    /// <param name="tensors">How many tensors the file has.</param>
    /// <param name="path">The file, for the refusal.</param>
    public static Weights Shapes(int tensors, string path) => new(ScalarType.Float32, META) { _left = (2 * tensors) + 64, _refusal = $"{path}: expected the weights that config.json asks for, found {tensors} tensors, not even half as many." };

    /// <summary>A projection, weight [out, in] and bias [out].</summary>
    public Linear Linear(long inFeatures, long outFeatures, bool bias = false)
        => nn.Linear(Empty(outFeatures, inFeatures), bias ? Empty(outFeatures) : null);

    /// <summary>GPT-2's projection, weight [in, out] and bias [out].</summary>
    public Conv1D Conv1D(long inFeatures, long outFeatures) => new(Empty(inFeatures, outFeatures), Empty(outFeatures));

    /// <summary>A table [count, width].</summary>
    public Embedding Embedding(long count, long width)
    {
        // Embedding_from_pretrained draws a whole table first, and registers that one (TorchSharp 0.107).
        var result = nn.Embedding(1, 1);
        result.weight = Empty(count, width);
        return result;
    }

    /// <summary>A layer norm over the last axis, weight and bias [size].</summary>
    public LayerNorm LayerNorm(long size, double eps)
    {
        Count();
        return nn.LayerNorm(size, eps, device: device, dtype: dtype);
    }

    /// <summary>A gain [size].</summary>
    public Parameter Vector(long size) => Empty(size);

    private void Count()
    {
        if (--_left < 0)
        {
            throw new LoraException(_refusal!);
        }
    }

    // Out of the caller's dispose scope, as the parameters of TorchSharp's own layers are.
    private Parameter Empty(params long[] shape)
    {
        Count();
        var result = new Parameter(empty(shape, dtype, device));
        _ = result.DetachFromDisposeScope();
        return result;
    }
}
