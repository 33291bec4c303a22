using LoraGen.Tests.Models;

namespace LoraGen.Tests.Configuration;

/// <summary>Ranks, alphas and dropouts out of their range are refused by name, place, range and value.</summary>
public sealed class InvalidValueTests : IDisposable
{
    private readonly OneTarget _model = new(4, 4);

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void A_rank_below_one(int rank)
    {
        Refused(new LoraConfig { Rank = rank }, "proj: rank", "at least 1", $"{rank}");
        Refused(new LoraConfig { RankPattern = new Dictionary<string, int> { ["proj"] = rank } }, "proj: rank", "at least 1", $"{rank}");
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(-2.5, "-2.5")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "Infinity")]
    public void An_alpha_that_is_not_a_number_above_zero(double alpha, string found)
    {
        Refused(new LoraConfig { Alpha = alpha }, "proj: alpha", "above 0", found);
        Refused(new LoraConfig { AlphaPattern = new Dictionary<string, double> { ["proj"] = alpha } }, "proj: alpha", "above 0", found);
    }

    // The arithmetic takes the scale as an fp32 number; infinity times a zero update is no number.
    [Theory]
    [InlineData(2e39, "2E+39")]
    [InlineData(1e300, "1E+300")]
    public void An_alpha_whose_scale_is_beyond_fp32(double alpha, string found)
        => Refused(new LoraConfig { Alpha = alpha }, "proj: alpha", "a finite fp32 number at rank 3", found);

    [Fact]
    public void An_alpha_beyond_fp32_whose_scale_is_not()
    {
        using var adapter = _model.CreateAdapter(new LoraConfig { Alpha = 2e39, Rank = 4000 });
        Assert.Equal(2e39 / 4000, adapter.proj.Scale.Factor);
    }

    [Fact]
    public void A_rank_that_no_memory_could_hold()
    {
        using var wide = new OneTarget(1_000_000, 1);
        var refusal = Assert.Throws<LoraException>(() => wide.CreateAdapter(new LoraConfig { Rank = int.MaxValue }));
        Assert.Contains("LoraConfig: proj: rank: expected one whose A and B fit into memory, found 2147483647", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(refusal.Message, char.IsControl);
    }

    [Fact]
    public void A_pattern_that_is_null()
    {
        Assert.Equal("RankPattern", Assert.Throws<ArgumentNullException>(() => new LoraConfig { RankPattern = null! }).ParamName);
        Assert.Equal("AlphaPattern", Assert.Throws<ArgumentNullException>(() => new LoraConfig { AlphaPattern = null! }).ParamName);
    }

    [Theory]
    [InlineData(-0.1, "-0.1")]
    [InlineData(1, "1")]
    [InlineData(double.NaN, "NaN")]
    public void A_dropout_outside_zero_to_one(double dropout, string found)
        => Refused(new LoraConfig { Dropout = dropout }, "proj: dropout", "[0, 1)", found);

    private void Refused(LoraConfig config, params string[] named)
    {
        var refusal = Assert.Throws<LoraException>(() => _model.CreateAdapter(config));
        Assert.All(named, part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
    }
}
