using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using static TorchSharp.torch;

namespace LoraGen.Tests.MixedBatches;

/// <summary>What makes no mixed batch is named.</summary>
public sealed class RefusedMixedBatchTests : IDisposable
{
    private readonly OneTarget _model = new(4, 4);
    private readonly OneTarget.Adapter _adapter;
    private readonly MixedBatch<OneTarget.Adapter> _mixed;

    public RefusedMixedBatchTests()
    {
        _adapter = _model.CreateAdapter().Trained();
        _mixed = new MixedBatch<OneTarget.Adapter>(_model) { Rows = [_adapter, null] };
        _model.ActiveAdapter = _mixed.Adapter;
    }

    [Theory]
    [InlineData(new long[] { 3, 4 })]
    [InlineData(new long[] { 1, 4 })]
    [InlineData(new long[] { 4 })]
    public void A_batch_of_another_number_of_rows(long[] shape)
    {
        using var x = zeros(shape);
        Refused(() => _model.call(x), $"proj: expected the batch first, with 2 rows as Rows has, found [{string.Join(", ", shape)}]");
    }

    [Fact]
    public void A_batch_before_its_rows_are_known()
    {
        using var unset = new MixedBatch<OneTarget.Adapter>(_model);
        using var x = zeros(2, 4);
        _model.ActiveAdapter = unset.Adapter;
        Refused(() => _model.call(x), "with 0 rows as Rows has");
    }

    [Fact]
    public void No_rows() => Refused(() => _mixed.Rows = [], "Rows: expected at least one row, found none");

    [Fact]
    public void An_adapter_of_another_base_and_the_rows_stay()
    {
        using var stranger = new OneTarget(4, 4);
        using var foreign = stranger.CreateAdapter();
        Refused(() => _mixed.Rows = [_adapter, foreign], "Row 1: the adapter was made for a base of other weights");
        Assert.Equal([_adapter, null], _mixed.Rows);
    }

    [Fact]
    public void A_mixed_batch_in_a_mixed_batch() => Refused(() => _mixed.Rows = [_mixed.Adapter], "Row 0: expected an adapter with an A and a B of its own");

    [Fact]
    public void An_adapter_that_is_disposed_meanwhile()
    {
        using var x = zeros(2, 4);
        _adapter.Dispose();
        Refused(() => _model.call(x), "proj: the adapter was disposed");
    }

    [Fact]
    public void Saving()
    {
        using var folder = new ScratchFolder();
        Refused(() => _mixed.Adapter.Save(folder.Path), "Save: expected an adapter with an A and a B of its own");
    }

    [Fact]
    public void Merging()
    {
        var before = Base.Bytes(_model);
        Refused(() => _model.Merge(_mixed.Adapter), "Merge: expected an adapter with an A and a B of its own");
        Refused(() => MergeReport.Of(_model, _mixed.Adapter), "MergeReport: expected an adapter with an A and a B of its own");
        Assert.Equal(before, Base.Bytes(_model));
    }

    [Fact]
    public void Combining() => Refused(() => _model.Combine(new CombineOptions(), (_mixed.Adapter, 1)), "Combine: expected an adapter with an A and a B of its own");

    [Fact]
    public void A_merged_model()
    {
        _model.ActiveAdapter = null;
        _model.Merge(_adapter);
        Refused(() => _mixed.Rows = [_adapter], "proj: its weight already carries a merged adapter");
        Refused(() => _model.ActiveAdapter = _mixed.Adapter, "proj: its weight already carries a merged adapter");
    }

    private static void Refused(Action action, string message)
        => Assert.Contains(message, Assert.Throws<LoraException>(action).Message, StringComparison.Ordinal);

    public void Dispose()
    {
        _mixed.Dispose();
        _adapter.Dispose();
        _model.Dispose();
    }

    // 0 times NaN is NaN: by a mask, one adapter would spoil the rows of all.
    [Theory]
    [InlineData(MixedForm.Mask)]
    [InlineData(MixedForm.Auto)]
    public void An_adapter_that_is_not_finite_is_kept_out_of_a_mask(MixedForm form)
    {
        using var scope = NewDisposeScope();
        using var model = new OneTarget(4, 3);
        using var healthy = model.CreateAdapter().Trained();
        using var broken = model.CreateAdapter().Trained();
        using (no_grad())
            broken.proj.B.fill_(float.NaN);
        using var mixed = new MixedBatch<OneTarget.Adapter>(model, form);
        Assert.Contains($"Row 1: proj: expected finite A and B for MixedForm.{form}", Assert.Throws<LoraException>(() => mixed.Rows = [healthy, broken]).Message, StringComparison.Ordinal);

        using var loop = new MixedBatch<OneTarget.Adapter>(model) { Rows = [healthy, broken] };
        model.ActiveAdapter = loop.Adapter;
        var found = model.call(Base.Input(2, 4));
        Assert.True(found[0].isfinite().all().item<bool>());
        Assert.True(found[1].isnan().all().item<bool>());
        model.ActiveAdapter = null;
    }

    [Fact]
    public void Rows_after_it_was_disposed()
    {
        using var model = new OneTarget(4, 3);
        using var adapter = model.CreateAdapter();
        var mixed = new MixedBatch<OneTarget.Adapter>(model);
        mixed.Dispose();
        Assert.Throws<ObjectDisposedException>(() => mixed.Rows = [adapter]);
    }
}
