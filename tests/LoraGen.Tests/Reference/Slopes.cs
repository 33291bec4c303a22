using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Reference;

/// <summary>Derivatives without a formula: differences of the library's own output, in float64 from end to end.</summary>
internal static class Slopes
{
    private const double Step = 1e-4;

    /// <summary>
    /// Checks that the gradients of all parameters are central differences of a loss that is linear in each number, so that only rounding
    /// lies between them.
    /// </summary>
    public static void AssertAreGradients(nn.Module module, Func<Tensor> loss)
    {
        loss().backward();
        foreach (var (name, parameter) in module.named_parameters())
        {
            using var inference = no_grad();
            var (numbers, found) = (parameter.view(-1), Values.Flat(parameter.grad!));
            for (var i = 0; i < found.Length; i++)
            {
                numbers[i] += Step;
                var above = loss().item<double>();
                numbers[i] -= 2 * Step;
                var slope = (above - loss().item<double>()) / (2 * Step);
                numbers[i] += Step;
                Assert.True(Math.Abs(slope - found[i]) <= 1e-8, FormattableString.Invariant($"{name}[{i}]: expected {slope:R}, found {found[i]:R}"));
            }
        }
    }
}
