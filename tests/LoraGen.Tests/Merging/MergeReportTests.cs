using LoraGen.Tests.Combining;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Tests.Merging;

/// <summary>The report against the same figures in float64 and plain loops.</summary>
public sealed class MergeReportTests
{
    [Theory]
    [InlineData(0.3)]
    [InlineData(0.01)]
    [InlineData(1e-4)]
    public void A_bf16_base_loses_what_is_below_its_rounding(double size)
    {
        using var model = new OneTarget(40, 30, dtype: ScalarType.BFloat16);
        using var adapter = model.CreateAdapter().Trained(size: size);
        var before = Base.Bytes(model);
        var (weight, delta) = (Values.Matrix(model.state_dict()["proj.weight"]), Deltas.Of(adapter.proj));
        var written = Matrices.Zip(weight, delta, (w, d) => Rounding.ToBFloat16(w + d) - w);

        var found = Assert.Single(MergeReport.Of(model, adapter).Targets);

        Assert.Equal(before, Base.Bytes(model));
        Assert.Equal("proj", found.Path);
        Assert.Equal(Deltas.Norm(delta) / Deltas.Norm(weight), found.RelativeSize, 1e-9);
        Assert.Equal(delta.Cast<double>().Max(Math.Abs), found.LargestChange, 1e-9);

        // The library's sum is fp32: next to a tie it may fall to the other side, in one value of 1200 or two.
        Assert.Equal(Deltas.Distance(delta, written), found.LostToRounding, 2e-2 * Deltas.Distance(delta, written));
        Assert.Equal(written.Cast<double>().Count(value => value == 0) / 1200.0, found.UnchangedShare, 2.1 / 1200);
    }

    [Fact]
    public void An_fp32_base_loses_next_to_nothing()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        var report = MergeReport.Of(model, adapter);
        Assert.Equal(adapter.Updates.Select(update => update.Path), report.Targets.Select(target => target.Path));
        Assert.All(report.Targets, target => Assert.InRange(target.LostToRounding, 1e-12, 1e-6));
        Assert.All(report.Targets, target => Assert.Equal(0, target.UnchangedShare));
    }

    [Fact]
    public void An_update_that_is_zero_loses_nothing()
    {
        using var model = new OneTarget(4, 4);
        using var adapter = model.CreateAdapter();
        Assert.Equal(new MergeReportEntry("proj", 0, 0, 0, 0), Assert.Single(MergeReport.Of(model, adapter).Targets));
    }

    // Its weight is [in, out], and so is what is added to it.
    [Fact]
    public void A_Conv1D_is_reported_like_a_Linear()
    {
        using var model = new OneConv1D(5, 4, ScalarType.Float32);
        using var adapter = model.CreateAdapter().Trained();
        var (weight, delta) = (Values.Matrix(model.state_dict()["proj.weight"]), Deltas.Of(adapter.proj));
        var found = Assert.Single(MergeReport.Of(model, adapter).Targets);
        Assert.Equal(Deltas.Norm(delta) / Deltas.Norm(weight), found.RelativeSize, 1e-9);
        Assert.InRange(found.LostToRounding, 1e-12, 1e-6);
    }

    [Fact]
    public void A_merged_model_is_refused()
    {
        using var model = new OneTarget(4, 4);
        using var adapter = model.CreateAdapter().Trained();
        model.Merge(adapter);
        Assert.Contains("already carries a merged adapter", Assert.Throws<LoraException>(() => MergeReport.Of(model, adapter)).Message, StringComparison.Ordinal);
    }

    // One entry for each tensor that a merge writes.
    [Fact]
    public void Biases_and_rows_of_an_embedding_are_in_it()
    {
        using var scope = NewDisposeScope();
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(new LoraConfig { LoraBias = true, Bias = TrainedBiases.LoraOnly, TrainableTokenIndices = [1, 4] });
        using (no_grad())
            adapter.transformer.wte.TokenRows!.add_(0.5);
        var state = Base.Bytes(model);
        var report = MergeReport.Of(model, adapter);
        Assert.Equal(state, Base.Bytes(model));
        Assert.Equal(["transformer.wte", .. Enumerable.Range(0, 3).SelectMany(layer => new[] { $"transformer.h.{layer}.c_attn", $"transformer.h.{layer}.c_attn.bias" })], report.Targets.Select(target => target.Path));
        Assert.Equal(0.5, report.Targets[0].LargestChange, 1e-6);
        Assert.All(report.Targets.Skip(1), target => Assert.Equal(0, target.LargestChange));
    }

    [Fact]
    public void What_a_merge_refuses_is_refused()
    {
        using var model = new OneTarget(4, 3, bias: false);
        using var adapter = model.CreateAdapter(new LoraConfig { LoraBias = true });
        Assert.Contains("proj: expected a base with a bias", Assert.Throws<LoraException>(() => MergeReport.Of(model, adapter)).Message, StringComparison.Ordinal);
    }
}
