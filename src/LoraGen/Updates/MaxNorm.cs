using System.Runtime.InteropServices;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>Whether an embedding was made with <c>max_norm</c>, which TorchSharp 0.107 passes to the native module and never tells again.</summary>
internal static class MaxNorm
{
    /// <summary>
    /// With <c>max_norm</c> a lookup writes into the weight, were it of no id at all; and autograd refuses to go back through a value that
    /// was written since it was recorded. So nothing is looked up, no bit changes, and the refusal is the answer.
    /// </summary>
    public static bool IsSetOn(Embedding projection)
    {
        using var scope = NewDisposeScope();
        using var tracked = inference_mode(false);
        using var recording = enable_grad();
        var recorded = Record(ProjectionWeight.Of(projection).detach());
        try
        {
            projection.forward(empty(0, dtype: ScalarType.Int64, device: ProjectionWeight.Of(projection).device));
            recorded?.backward();
            return false;
        }
        catch (ExternalException)
        {
            return true;
        }
    }

    // A weight that was made in inference mode cannot be recorded; but it refuses the write itself.
    private static Tensor? Record(Tensor weight)
    {
        var factor = ones(1, dtype: weight.dtype, device: weight.device, requires_grad: true);
        try
        {
            return (factor * weight.narrow(0, 0, 0)).sum();
        }
        catch (ExternalException)
        {
            return null;
        }
    }
}
