using static TorchSharp.torch;

namespace LoraGen;

/// <summary>
/// The update of a <see cref="Conv1D"/>: y = x W0 + b + s B A x, weight W0 [in, out] (PEFT: <c>fan_in_fan_out</c>). Only merging sees the
/// difference to a <c>Linear</c>: it adds s (B A)^T. See <see cref="LowRankUpdate"/>.
/// </summary>
public sealed class Conv1DUpdate : LowRankUpdate
{
    internal Conv1DUpdate(UpdateParts parts)
        : base(parts, UpdateKind.Conv1D)
    {
    }

    /// <summary>The base's result, plus the update where there is one. Generated code calls it; it never forms B A.</summary>
    /// <param name="projection">The base's projection, weight [in, out].</param>
    /// <param name="update">The update, or null for the base alone.</param>
    /// <param name="x">[..., in]</param>
    /// <returns>[..., out], in the dtype of x.</returns>
    /// <exception cref="LoraException">
    /// The update was disposed or the base moved to another device while it was active, or the weight came to carry a merged adapter
    /// through another model that shares it.
    /// </exception>
    public static Tensor Forward(Conv1D projection, Conv1DUpdate? update, Tensor x)
        => update is { IsActive: true } ? update.Apply(projection, x) : projection.call(x);

    private protected override Tensor Compute(nn.Module projection, Tensor x, Tensor weight, Tensor? bias) => Conv1D.Product(x, weight, bias);
}
