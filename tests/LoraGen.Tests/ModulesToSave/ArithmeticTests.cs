using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Tests.ModulesToSave;

/// <summary>A projection that is saved whole computes with the adapter's weight and bias, in the base's dtype, and trains them.</summary>
public sealed class ArithmeticTests : IDisposable
{
    private readonly IDisposable _scope = NewDisposeScope();

    public static TheoryData<ScalarType> Dtypes => [ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16];

    public void Dispose() => _scope.Dispose();

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void A_Linear(ScalarType dtype)
    {
        using var model = new Classified(dtype);
        using var adapter = model.CreateAdapter(SavedBase.Config).Filled();
        var (own, x) = (adapter.classifier.out_proj, Base.Input(2, 5, Classified.Width).to_type(dtype));
        AssertComputes(Values.Matrix(own.Weight), own.Bias, Values.Matrix(x), LinearUpdate.Forward(model.ModuleAt<Linear>("classifier.out_proj"), own, x), dtype, [2, 5, Classified.Labels]);
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void A_Conv1D(ScalarType dtype)
    {
        using var model = new Classified(dtype);
        using var adapter = model.CreateAdapter(SavedBase.Config).Filled();
        var (own, x) = (adapter.classifier.dense, Base.Input(2, 5, Classified.Width).to_type(dtype));
        AssertComputes(Matrices.Transpose(Values.Matrix(own.Weight)), own.Bias, Values.Matrix(x), Conv1DUpdate.Forward(model.ModuleAt<Conv1D>("classifier.dense"), own, x), dtype, [2, 5, Classified.Width]);
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void An_Embedding(ScalarType dtype)
    {
        using var model = new Classified(dtype);
        using var adapter = model.CreateAdapter(SavedBase.Config).Filled();
        var (own, ids) = (adapter.wte, SavedBase.Ids());
        var oneHot = new double[6, Classified.Ids];
        foreach (var (row, id) in Values.Flat(ids).Index())
        {
            oneHot[row, (int)id] = 1;
        }

        Assert.Null(own.Bias);
        AssertComputes(Matrices.Transpose(Values.Matrix(own.Weight)), null, oneHot, EmbeddingUpdate.Forward(model.ModuleAt<Embedding>("wte"), own, ids), dtype, [2, 3, Classified.Width]);
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void A_new_one_is_the_bases_in_fp32_or_float64_and_leaves_every_bit_of_the_output(ScalarType dtype)
    {
        using var model = new Classified(dtype);
        var before = Base.Bytes(model.call(SavedBase.Ids()));
        using var adapter = model.CreateAdapter(SavedBase.Config);
        model.ActiveAdapter = adapter;

        Assert.Equal(before, Base.Bytes(model.call(SavedBase.Ids())));
        Assert.Equal(["classifier.dense", "classifier.out_proj", "wte"], adapter.SavedProjections.Select(saved => saved.Path).Order(StringComparer.Ordinal));
        foreach (var key in SavedBase.Saved)
        {
            var own = adapter.get_parameter(key)!;
            Assert.Equal(dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32, own.dtype);
            Assert.Equal(Values.Flat(model.get_parameter(key)!), Values.Flat(own));
            Assert.True(own.requires_grad);
        }
    }

    // The loss is linear in each number, so that a central difference is its slope but for rounding.
    [Fact]
    public void The_gradients_are_the_slopes_of_the_forward_pass_and_the_base_has_none()
    {
        using var model = new Classified(ScalarType.Float64);
        using var adapter = model.CreateAdapter(SavedBase.Config).Filled();
        adapter.to(ScalarType.Float64);
        model.ActiveAdapter = adapter;
        var weights = Base.Input(2, 3, Classified.Labels).to_type(ScalarType.Float64);
        Loss().backward();

        Assert.All(model.parameters(), parameter => Assert.Null(parameter.grad));
        Assert.Equal(SavedBase.Saved.Length + 2, adapter.parameters().Count());
        foreach (var parameter in adapter.parameters())
        {
            using var inference = no_grad();
            var (numbers, found) = (parameter.view(-1), Values.Flat(parameter.grad!));
            for (var i = 0; i < found.Length; i++)
            {
                const double step = 1e-4;
                numbers[i] += step;
                var above = Loss().item<double>();
                numbers[i] -= 2 * step;
                Assert.Equal((above - Loss().item<double>()) / (2 * step), found[i], tolerance: 1e-8);
                numbers[i] += step;
            }
        }

        Tensor Loss() => (model.call(SavedBase.Ids()) * weights).sum();
    }

    // Two heads over one base: each is what it would be alone.
    [Fact]
    public void Swapping_adapters_swaps_what_they_saved_and_leaves_the_base()
    {
        using var model = new Classified();
        var (bytes, bare) = (Base.Bytes(model), Base.Bytes(model.call(SavedBase.Ids())));
        using var first = model.CreateAdapter(SavedBase.Config).Filled(seed: 1);
        using var second = model.CreateAdapter(SavedBase.Config).Filled(seed: 2);

        var (ofFirst, ofSecond) = (Output(first), Output(second));

        Assert.NotEqual(ofFirst, ofSecond);
        Assert.NotEqual(bare, ofFirst);
        Assert.Equal(ofFirst, Output(first));
        Assert.Equal(bare, Output(null));
        Assert.Equal(bytes, Base.Bytes(model));

        byte[] Output(Classified.Adapter? adapter)
        {
            model.ActiveAdapter = adapter;
            return Base.Bytes(model.call(SavedBase.Ids()));
        }
    }

    [Fact]
    public void A_training_step_changes_what_is_saved_and_no_bit_of_the_base()
    {
        using var model = new Classified();
        using var adapter = model.CreateAdapter(SavedBase.Config);
        model.ActiveAdapter = adapter;
        var (ofBase, ofAdapter) = (Base.Bytes(model), Base.Bytes(adapter));
        using var optimizer = optim.SGD(adapter.parameters(), 0.1);

        model.call(SavedBase.Ids()).square().mean().backward();
        optimizer.step();

        Assert.Equal(ofBase, Base.Bytes(model));
        var after = Base.Bytes(adapter);
        Assert.All(SavedBase.Saved, key => Assert.NotEqual(ofAdapter[key], after[key]));
    }

    // Five tensors in bf16 of the three projections, and two of the update.
    [Fact]
    public void A_frozen_one_keeps_its_copies_in_the_bases_dtype_until_it_may_change()
    {
        using var model = new Classified(ScalarType.BFloat16);
        using var adapter = model.CreateAdapter(SavedBase.Config).Filled();
        model.ActiveAdapter = adapter;
        var expected = Output();
        adapter.Serving();

        Assert.Equal(7, KeptBy(() => Assert.Equal(expected, Output())));
        Assert.Equal(0, KeptBy(() => Assert.Equal(expected, Output())));
        Assert.Equal(-7, KeptBy(() => adapter.train()));

        using (no_grad())
        {
            adapter.classifier.out_proj.Bias!.add_(1);
        }

        Assert.NotEqual(expected, Output());

        byte[] Output()
        {
            using var inference = no_grad();
            using var scope = NewDisposeScope();
            return Base.Bytes(model.call(SavedBase.Ids()));
        }

        static long KeptBy(Action act)
        {
            var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
            act();
            return DisposeScopeManager.Statistics.ThreadTotalLiveCount - before;
        }
    }

    [Fact]
    public void After_a_move_the_weights_are_those_that_the_adapter_owns()
    {
        using var model = new Classified(ScalarType.BFloat16);
        using var adapter = model.CreateAdapter(SavedBase.Config).Filled();
        adapter.to(ScalarType.BFloat16);
        model.ActiveAdapter = adapter;

        model.call(SavedBase.Ids()).sum().backward();

        Assert.Equal(ScalarType.BFloat16, adapter.wte.Weight.dtype);
        Assert.All(adapter.parameters(), parameter => Assert.NotNull(parameter.grad));
        Assert.Contains(adapter.classifier.out_proj.Bias!, adapter.parameters());
    }

    [Fact]
    public void It_outlives_the_scope_that_it_was_made_in()
    {
        using var model = new Classified();
        Classified.Adapter adapter;
        using (NewDisposeScope())
        {
            adapter = model.CreateAdapter(SavedBase.Config);
        }

        Assert.All(adapter.parameters(), parameter => Assert.False(parameter.IsInvalid));
        adapter.Dispose();
    }

    [Fact]
    public void An_adapter_that_was_disposed_while_active_says_so()
    {
        using var model = new Classified();
        var adapter = model.CreateAdapter(SavedBase.Config);
        model.ActiveAdapter = adapter;
        adapter.wte.Weight.Dispose();
        Assert.StartsWith("wte: the adapter was disposed", Assert.Throws<LoraException>(() => model.call(SavedBase.Ids())).Message, StringComparison.Ordinal);
        adapter.Dispose();
    }

    [Fact]
    public void A_and_B_of_it_and_a_weight_of_what_is_not_saved_do_not_exist()
    {
        using var model = new Classified();
        using var adapter = model.CreateAdapter(SavedBase.Config);
        Assert.False(adapter.wte.IsTargeted);
        Assert.False(adapter.dense.IsSaved);
        Assert.Contains("wte: this projection has no A and no B, since the LoraConfig's ModulesToSave save it whole", Assert.Throws<LoraException>(() => adapter.wte.A).Message, StringComparison.Ordinal);
        Assert.Contains("dense: this projection has no weight of its own", Assert.Throws<LoraException>(() => adapter.dense.Weight).Message, StringComparison.Ordinal);
        Assert.Throws<LoraException>(() => adapter.dense.Bias);
    }

    // The saved numbers, their rounding to the base's dtype, and in the half formats that of the sum, with and without the bias.
    private static void AssertComputes(double[,] weight, Tensor? bias, double[,] x, Tensor found, ScalarType dtype, long[] shape)
    {
        var reference = new LoraLinear(weight, bias is null ? null : Values.Flat(bias), new double[1, weight.GetLength(1)], new double[weight.GetLength(0), 1], 0);
        Assert.Equal(shape, found.shape);
        Assert.Equal(dtype, found.dtype);
        Rounding.AssertWithin(
            reference.Forward(x), Values.Matrix(found), reference.Absolute().Forward(Matrices.Abs(x)), Rounding.Unit(dtype), Rounding.Count(dtype, reference.Roundings, stored: 4));
    }
}
