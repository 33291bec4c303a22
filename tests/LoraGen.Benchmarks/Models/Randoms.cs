using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Benchmarks.Models;

/// <summary>Ordinary numbers: what happens to lie in new memory may be NaN or denormal, on which some kernels are slow.</summary>
internal static class Randoms
{
    /// <summary>Draws every parameter but the gains of norms as GPT-2 draws its matrices.</summary>
    public static void Fill(nn.Module module)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        foreach (var owner in module.modules().Append(module).Where(owner => owner is not TorchSharp.Modules.LayerNorm))
        {
            foreach (var (_, parameter) in owner.named_parameters(recurse: false))
            {
                parameter.normal_(0, 0.02);
            }
        }
    }
}
