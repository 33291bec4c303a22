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
    [InlineData(1e40, "1E+40")]
    public void An_alpha_that_is_not_a_number_above_zero(double alpha, string found)
    {
        Refused(new LoraConfig { Alpha = alpha }, "proj: alpha", "above 0", found);
        Refused(new LoraConfig { AlphaPattern = new Dictionary<string, double> { ["proj"] = alpha } }, "proj: alpha", "above 0", found);
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
