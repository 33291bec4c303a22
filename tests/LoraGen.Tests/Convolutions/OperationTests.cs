using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using TorchSharp.Modules;
using static LoraGen.Tests.Convolutions.OneConvolution;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Convolutions;

/// <summary>Mixed batches, saved modules, combining, compressing and extracting of convolutions.</summary>
public sealed class OperationTests : IDisposable
{
    private readonly IDisposable _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(MixedForm.Loop)]
    [InlineData(MixedForm.Mask)]
    public void A_row_of_a_mixed_batch_is_an_image(MixedForm form)
    {
        using var model = new Features(ScalarType.Float64);
        using var plain = model.CreateAdapter(new LoraConfig { Rank = 1 }).Trained(seed: 1);
        using var wide = model.CreateAdapter(new LoraConfig { Rank = 3 }).Trained(seed: 2);
        using var decomposed = model.CreateAdapter(new LoraConfig { UseDora = true }).Trained(seed: 3);
        Features.Adapter?[] rows = [plain, wide, null, plain, decomposed, decomposed];
        using var mixed = new MixedBatch<Features.Adapter>(model, form) { Rows = rows };
        var x = Base.Input(rows.Length, 3, 6, 5).to_type(ScalarType.Float64);

        model.ActiveAdapter = mixed.Adapter;
        var found = model.call(x);

        for (var row = 0; row < rows.Length; row++)
        {
            model.ActiveAdapter = rows[row];
            AssertClose(Values.Flat(model.call(x.narrow(0, row, 1))), Values.Flat(found[row]), 1e-12);
        }
    }

    [Theory]
    [InlineData(MixedForm.Loop)]
    [InlineData(MixedForm.Mask)]
    public void The_rows_of_a_mixed_batch_train_as_alone(MixedForm form)
    {
        using var model = new OneImage(Conv2d(3, 5, 3, dtype: ScalarType.Float64));
        using var first = model.CreateAdapter().Trained(seed: 1);
        using var second = model.CreateAdapter(new LoraConfig { Rank = 1 }).Trained(seed: 2);
        using var mixed = new MixedBatch<OneImage.Adapter>(model, form) { Rows = [first, second, first] };
        var x = Base.Input(3, 3, 5, 4).to_type(ScalarType.Float64);
        model.ActiveAdapter = mixed.Adapter;
        model.call(x).square().sum().backward();
        foreach (var (adapter, rows) in new[] { (first, new long[] { 0, 2 }), (second, [1]) })
        {
            var together = adapter.parameters().Select(parameter => Values.Flat(parameter.grad!)).ToList();
            adapter.zero_grad();
            model.ActiveAdapter = adapter;
            model.call(x.index_select(0, tensor(rows))).square().sum().backward();
            Assert.All(adapter.parameters().Zip(together), pair => AssertClose(Values.Flat(pair.First.grad!), pair.Second, 1e-6));
        }
    }

    [Fact]
    public void A_mixed_batch_needs_a_batch()
    {
        using var model = new OneImage(Conv2d(3, 5, 3));
        using var adapter = model.CreateAdapter();
        using var mixed = new MixedBatch<OneImage.Adapter>(model) { Rows = [adapter, null, adapter] };
        model.ActiveAdapter = mixed.Adapter;
        Assert.Contains(
            "proj: expected the batch first, with 3 rows as Rows has, found [3, 5, 4]", Assert.Throws<LoraException>(() => model.call(zeros(3, 5, 4))).Message, StringComparison.Ordinal);
    }

    // One of several groups too, and with another padding than zeros.
    [Fact]
    public void A_convolution_can_be_saved_whole()
    {
        using var folder = new ScratchFolder();
        using var model = new Features();
        using var adapter = model.CreateAdapter(new LoraConfig { ModulesToSave = ["groups"] });
        var x = Base.Input(2, 3, 6, 5);
        var (before, state) = (Base.Bytes(model.call(x)), Base.Bytes(model));
        model.ActiveAdapter = adapter;
        Assert.Equal(before, Base.Bytes(model.call(x)));

        model.call(x).sum().backward();
        Assert.NotNull(adapter.groups.Weight.grad);
        using (no_grad())
        {
            adapter.groups.Weight.normal_();
            adapter.groups.Bias!.normal_();
        }

        var active = Values.Flat(model.call(x));
        Assert.NotEqual(before, Base.Bytes(model.call(x)));
        adapter.Save(folder.Path);
        Assert.Equal(
            [("base_model.model.groups.bias", [4L]), ("base_model.model.groups.weight", [4L, 2, 2, 1])],
            SafetensorsBytes.Parse(File.ReadAllBytes(folder.PathOf("adapter_model.safetensors"))).Tensors.Where(item => item.Key.Contains("groups")).Select(item => (item.Key, item.Value.Shape)));
        model.ActiveAdapter = null;
        using var loaded = Features.Adapter.Load(folder.Path, model);
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(loaded));

        model.Merge(loaded);
        AssertClose(active, Values.Flat(model.call(x)), 1e-6);
        model.Unmerge();
        Assert.Equal(state, Base.Bytes(model));
    }

    [Theory]
    [InlineData(CombineMethod.Cat)]
    [InlineData(CombineMethod.Svd)]
    [InlineData(CombineMethod.Linear)]
    public void Combining_adds_up_what_is_added_to_the_weight(CombineMethod method)
    {
        var convolution = Conv2d(3, 5, (3, 2));
        using var model = new OneImage(convolution);
        using var first = model.CreateAdapter(new LoraConfig { Rank = 2 }).Trained(seed: 1);
        using var second = model.CreateAdapter(new LoraConfig { Rank = 1, UseRslora = true }).Trained(seed: 2);
        var expected = Formula(convolution, first.proj, 6).Delta.Zip(Formula(convolution, second.proj, 12).Delta, (left, right) => (2 * left) - right).ToArray();

        var derived = model.Combine(new CombineOptions { Method = method, Rank = method == CombineMethod.Cat ? null : 3 }, (first, 2), (second, -1));

        using var sum = derived.Adapter;
        Assert.Equal([5, 3, 1, 1], sum.proj.B.shape);
        AssertClose(expected, Values.Flat(sum.proj.Delta()), 1e-5);
        Assert.InRange(derived.RelativeError, 0, 1e-6);
    }

    [Fact]
    public void Compressing_keeps_what_a_lower_rank_can()
    {
        using var model = new OneImage(Conv2d(3, 5, 3));
        using var adapter = model.CreateAdapter(new LoraConfig { Rank = 4 }).Trained();
        using (no_grad())
            adapter.proj.B.narrow(1, 2, 2).zero_();

        var derived = model.Compress(adapter, 2);

        using var smaller = derived.Adapter;
        Assert.Equal([2, 3, 3, 3], smaller.proj.A.shape);
        AssertClose(Values.Flat(adapter.proj.Delta()), Values.Flat(smaller.proj.Delta()), 1e-5);
    }

    [Fact]
    public void A_merged_convolution_comes_out_again()
    {
        using var model = new OneImage(Conv2d(3, 5, 3));
        using var tuned = new OneImage(Conv2d(3, 5, 3));
        tuned.load_state_dict(model.state_dict());
        using var adapter = tuned.CreateAdapter().Trained();
        tuned.Merge(adapter);

        var derived = model.Extract(tuned.state_dict(), rank: 3);

        using var extracted = derived.Adapter;
        AssertClose(Values.Flat(adapter.proj.Delta()), Values.Flat(extracted.proj.Delta()), 1e-5);
        Assert.Empty(derived.LeftOut);
    }
}
