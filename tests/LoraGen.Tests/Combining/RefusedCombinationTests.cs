using LoraGen.Tests.Models;
using static TorchSharp.torch;

namespace LoraGen.Tests.Combining;

/// <summary>What cannot be combined is named, and nothing is left changed.</summary>
public sealed class RefusedCombinationTests : IDisposable
{
    private readonly OneTarget _model = new(4, 4);
    private readonly OneTarget.Adapter _adapter;

    public RefusedCombinationTests() => _adapter = _model.CreateAdapter().Trained();

    [Fact]
    public void No_adapter() => Refused(new CombineOptions(), [], "expected at least one adapter, found none");

    [Fact]
    public void A_weight_that_is_no_number()
        => Refused(new CombineOptions(), [(_adapter, 1), (_adapter, double.NaN)], "Adapter 1: weight: expected a finite number, found NaN");

    [Fact]
    public void A_value_that_is_no_number()
    {
        using (no_grad())
            _adapter.proj.B[0, 0] = float.PositiveInfinity;
        Refused(new CombineOptions(), [(_adapter, 1)], "proj: expected finite A and B, found NaN or infinity in adapter 0");
    }

    [Theory]
    [InlineData(null, "found none")]
    [InlineData(0.0, "found 0")]
    [InlineData(1.5, "found 1.5")]
    [InlineData(double.NaN, "found NaN")]
    public void A_density_that_keeps_nothing_or_more_than_all(double? density, string message)
        => Refused(new CombineOptions { Method = CombineMethod.Ties, Density = density }, [(_adapter, 1)], "Density: expected a value above 0 and at most 1, " + message);

    [Theory]
    [InlineData(CombineMethod.Svd)]
    [InlineData(CombineMethod.Cat)]
    public void A_density_where_all_values_are_kept(CombineMethod method)
        => Refused(new CombineOptions { Method = method, Density = 0.5 }, [(_adapter, 1)], $"{method}: Density: expected none");

    [Fact]
    public void Values_that_are_no_members()
    {
        Refused(new CombineOptions { Method = (CombineMethod)77 }, [(_adapter, 1)], "expected members of CombineMethod and MajoritySign, found 77");
        Refused(new CombineOptions { Method = CombineMethod.Ties, Density = 1, MajoritySign = (MajoritySign)9 }, [(_adapter, 1)], "found Ties and 9");
    }

    [Fact]
    public void An_adapter_that_is_null()
        => Assert.Throws<ArgumentNullException>(() => _model.Combine(new CombineOptions(), (null!, 1)));

    [Fact]
    public void A_rank_for_cat() => Refused(new CombineOptions { Method = CombineMethod.Cat, Rank = 2 }, [(_adapter, 1)], "Cat: Rank: expected none");

    [Fact]
    public void An_adapter_of_another_base()
    {
        using var stranger = new OneTarget(4, 4);
        using var foreign = stranger.CreateAdapter().Trained();
        Refused(new CombineOptions(), [(_adapter, 1), (foreign, 1)], "Adapter 1 of those given was made for a base of other weights");
    }

    [Fact]
    public void An_adapter_that_was_disposed()
    {
        _adapter.Dispose();
        Refused(new CombineOptions(), [(_adapter, 1)], "proj: the adapter was disposed");
    }

    [Fact]
    public void A_merged_model()
    {
        _model.Merge(_adapter);
        Refused(new CombineOptions(), [(_adapter, 1)], "proj: its weight already carries a merged adapter");
    }

    [Fact]
    public void A_rank_below_1() => Assert.Contains("expected at least 1, found 0", Assert.Throws<LoraException>(() => RankChoice.AtMost(0)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(0)]
    [InlineData(1.01)]
    [InlineData(double.NaN)]
    public void An_energy_that_is_no_share(double share)
        => Assert.Contains("expected a share above 0 and at most 1", Assert.Throws<LoraException>(() => RankChoice.KeepingEnergy(share)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_energy_of_an_update_that_is_zero()
    {
        using var fresh = _model.CreateAdapter();
        Refused(new CombineOptions { Rank = RankChoice.KeepingEnergy(0.9) }, [(fresh, 1)], "energy: expected an update with a value other than 0, found none");
    }

    private void Refused(CombineOptions options, (OneTarget.Adapter, double)[] adapters, string message)
        => Assert.Contains(message, Assert.Throws<LoraException>(() => _model.Combine(options, adapters)).Message, StringComparison.Ordinal);

    public void Dispose()
    {
        _adapter.Dispose();
        _model.Dispose();
    }
}
