using LoraGen.Tests.Combining;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Compression;

/// <summary>Adapters out of the difference of two models of one class.</summary>
public sealed class ExtractTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void The_update_is_the_best_approximation_of_the_difference(int rank)
    {
        using var model = new OneTarget(9, 7);
        using var tuned = new OneTarget(9, 7);
        var difference = Deltas.Sum((1, Values.Matrix(tuned.state_dict()["proj.weight"])), (-1, Values.Matrix(model.state_dict()["proj.weight"])));

        var derived = model.Extract(tuned.state_dict(), rank);

        using var adapter = derived.Adapter;
        var (expected, values) = JacobiSvd.Truncate(difference, rank);
        Assert.Equal(new LoraScale(rank, rank, false), adapter.proj.Scale);
        Assert.InRange(Deltas.Distance(expected, Deltas.Of(adapter.proj)), 0, 1e-6);
        Assert.Equal(Deltas.Norm(difference), Assert.Single(derived.Errors).Norm, 1e-9);
        Assert.Equal(Math.Sqrt(values.Skip(rank).Sum(value => value * value)), derived.Errors[0].Lost, 1e-9);
        Assert.Equal(["proj.bias"], derived.LeftOut);
    }

    // Every kind, whichever way its weight lies: what was merged comes out again.
    [Fact]
    public void A_merged_adapter_comes_out_again()
    {
        var config = new LoraConfig { TargetModules = ["wte", "c_attn", "gate"], Rank = 2 };
        using var model = new Gpt();
        using var tuned = new Gpt();
        tuned.load_state_dict(model.state_dict());
        using var adapter = tuned.CreateAdapter(config).Trained();
        tuned.Merge(adapter);

        var derived = model.Extract(tuned.state_dict(), rank: 2, config);

        using var extracted = derived.Adapter;
        Assert.Equal(adapter.Updates.Select(update => (update.Path, 2)), derived.Errors.Select(error => (error.Path, error.Rank)));
        Assert.All(adapter.Updates.Zip(extracted.Updates), pair => Assert.InRange(Deltas.Distance(Deltas.Of(pair.First), Deltas.Of(pair.Second)), 0, 1e-5));
        Assert.InRange(derived.RelativeError, 0, 1e-6);
        Assert.Empty(derived.LeftOut);
    }

    [Fact]
    public void Energy_leaves_out_what_did_not_change()
    {
        using var model = new Tower();
        using var tuned = new Tower();
        tuned.load_state_dict(model.state_dict());
        using (no_grad())
        {
            tuned.get_parameter("floors.1.h.0.up.weight")!.add_(0.5);
            tuned.get_parameter("mix.weight")!.add_(0.5);
        }

        var derived = model.Extract(tuned.state_dict(), RankChoice.KeepingEnergy(0.999));

        using var adapter = derived.Adapter;
        var update = Assert.Single(adapter.Updates);
        Assert.Equal(("floors.1.h.0.up", 1), (update.Path, update.Scale.Rank));
        Assert.All(Deltas.Of(update).Cast<double>(), value => Assert.Equal(0.5, value, 1e-6));
        Assert.Equal(["mix.weight"], derived.LeftOut);
    }

    [Fact]
    public void A_bf16_checkpoint_will_do()
    {
        using var model = new OneTarget(4, 4, bias: false);
        using var tuned = new OneTarget(4, 4, bias: false, dtype: ScalarType.BFloat16);
        using var adapter = model.Extract(tuned.state_dict(), rank: 4).Adapter;
        var difference = Deltas.Sum((1, Values.Matrix(tuned.state_dict()["proj.weight"])), (-1, Values.Matrix(model.state_dict()["proj.weight"])));
        Assert.InRange(Deltas.Distance(difference, Deltas.Of(adapter.proj)), 0, 1e-6);
    }

    [Fact]
    public void A_missing_tensor_is_named()
    {
        using var model = new OneTarget(4, 4);
        Refused(model, new() { ["proj.weight"] = zeros(4, 4) }, "missing: [proj.bias]");
    }

    [Fact]
    public void Another_shape_is_named()
    {
        using var model = new OneTarget(4, 4);
        Refused(model, new() { ["proj.weight"] = zeros(4, 5), ["proj.bias"] = zeros(4) }, "proj.weight: expected [4, 4] as in the base, found [4, 5]");
    }

    [Fact]
    public void A_weight_that_is_not_finite_is_named()
    {
        using var model = new OneTarget(4, 4);
        Refused(model, new() { ["proj.weight"] = full(4, 4, float.NaN), ["proj.bias"] = zeros(4) }, "proj.weight: expected finite weights");
    }

    [Fact]
    public void Weights_that_are_the_same_have_no_energy()
    {
        using var model = new OneTarget(4, 4);
        Assert.Contains("energy: expected an update with a value other than 0", Assert.Throws<LoraException>(() => model.Extract(model.state_dict(), RankChoice.KeepingEnergy(0.9))).Message, StringComparison.Ordinal);
    }

    private static void Refused(OneTarget model, Dictionary<string, Tensor> tuned, string message)
        => Assert.Contains(message, Assert.Throws<LoraException>(() => model.Extract(tuned, rank: 2)).Message, StringComparison.Ordinal);

    public static TheoryData<LoraConfig> MoreThanLowRank =>
    [
        new LoraConfig { UseDora = true },
        new LoraConfig { LoraBias = true },
        new LoraConfig { Bias = TrainedBiases.All },
        new LoraConfig { ModulesToSave = ["proj"] },
        new LoraConfig { TrainableTokenIndices = [1] },
    ];

    [Theory]
    [MemberData(nameof(MoreThanLowRank))]
    public void A_config_that_asks_for_more_than_A_and_B_is_refused(LoraConfig config)
    {
        using var model = new OneTarget(4, 3);
        Assert.Contains("expected a config without it", Assert.Throws<LoraException>(() => model.Extract(model.state_dict(), 1, config)).Message, StringComparison.Ordinal);
    }
}
