using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Benchmarks.Models;

/// <summary>Ordinary numbers: those that happen to lie in new memory may be NaN or denormal, which some kernels are slow on.</summary>
internal static class Randoms
{
    /// <summary>Draws matrices as GPT-2 begins; gains and biases stay at what they are made with.</summary>
    public static void Fill(IEnumerable<Parameter> parameters)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        foreach (var parameter in parameters.Where(parameter => parameter.dim() > 1))
        {
            parameter.normal_(0, 0.02);
        }
    }
}
