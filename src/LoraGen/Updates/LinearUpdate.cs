using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>
/// The update of a <c>Linear</c>: y = W0 x + b + s B A x, weight W0 [out, in]. See <see cref="LowRankUpdate"/>.
/// </summary>
public sealed class LinearUpdate : LowRankUpdate
{
    internal LinearUpdate(UpdateParts parts)
        : base(parts, UpdateKind.Linear)
    {
    }

    /// <summary>The base's result, plus the update where there is one. Generated code calls it; it never forms B A.</summary>
    /// <param name="projection">The base's projection, weight [out, in].</param>
    /// <param name="update">The update, or null for the base alone.</param>
    /// <param name="x">[..., in]</param>
    /// <returns>[..., out], in the dtype of x.</returns>
    /// <exception cref="LoraException">
    /// The update was disposed or the base moved to another device while it was active, or the weight came to carry a merged adapter
    /// through another model that shares it.
    /// </exception>
    public static Tensor Forward(Linear projection, LinearUpdate? update, Tensor x)
        => update is { IsActive: true } ? update.Apply(projection, x) : projection.call(x);

    private protected override Tensor Compute(nn.Module projection, Tensor x, Tensor weight, Tensor? bias) => nn.functional.linear(x, weight, bias);
}
