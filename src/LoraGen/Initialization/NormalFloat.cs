using static TorchSharp.torch;

namespace LoraGen;

/// <summary>
/// NF2, NF4 and NF8: blocks of 64 numbers that follow one another in memory, each number the nearest of the type's levels times the largest
/// magnitude of its block (arXiv 2305.14314, section 3; PEFT: <c>NFQuantizer</c>, method <c>normal</c>). The last block may be shorter.
/// </summary>
internal static class NormalFloat
{
    private const int BlockSize = 64;

    // Of the QLoRA paper's code: the mean of 1 - 1 / (2 * 15) and 1 - 1 / (2 * 16), so that the outermost levels are finite.
    private const double Offset = 0.9677083;

    /// <summary>The matrix that its quantised form stands for.</summary>
    /// <param name="weight">[out, in], in fp32 or float64.</param>
    /// <param name="bits">2, 4 or 8.</param>
    public static Tensor Rounded(Tensor weight, int bits)
    {
        using var scope = NewDisposeScope();
        var levels = Levels(bits).to(weight.dtype, weight.device);
        var between = (levels.narrow(0, 1, levels.shape[0] - 1) + levels.narrow(0, 0, levels.shape[0] - 1)) / 2;
        var count = weight.NumberOfElements;
        var blocks = nn.functional.pad(weight.reshape(-1), [0, (BlockSize - (count % BlockSize)) % BlockSize]).view(-1, BlockSize);
        var largest = blocks.abs().amax([1], keepdim: true);

        // A block of zeros stays one.
        var nearest = bucketize(blocks / largest.masked_fill(largest.eq(0), 1), between);
        var rounded = levels.index_select(0, nearest.view(-1)).view(blocks.shape) * largest;
        return rounded.view(-1).narrow(0, 0, count).view(weight.shape).MoveToOuterDisposeScope();
    }

    /// <summary>The quantiles of a normal distribution from -1 to 1, with 0 among them and one more above it than below (appendix E), in float64.</summary>
    private static Tensor Levels(int bits)
    {
        var half = 1 << (bits - 1);
        var levels = cat([-Quantiles(half), zeros(1, ScalarType.Float64), Quantiles(half + 1)]);
        return levels.sort().Values / levels.max();

        // Those of evenly spaced probabilities from the offset down to 1 / 2, which is left out.
        static Tensor Quantiles(int count) => linspace(Offset, 0.5, count, ScalarType.Float64).narrow(0, 0, count - 1).mul(2).sub(1).erfinv();
    }
}
