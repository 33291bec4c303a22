using LoraGen.Tests.ModulesToSave;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Tests.Biases;

/// <summary><c>bias</c> all and lora_only: the adapter's own bias stands in for the base's, which keeps its bits.</summary>
public sealed class OwnBiasTests : IDisposable
{
    private static readonly LoraConfig LoraOnly = new() { Bias = TrainedBiases.LoraOnly };
    private static readonly LoraConfig All = new() { Bias = TrainedBiases.All };

    private readonly IDisposable _scope = NewDisposeScope();

    public static TheoryData<ScalarType> Dtypes => [ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16];

    public void Dispose() => _scope.Dispose();

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void A_new_adapter_has_the_bases_and_leaves_every_bit_of_the_output(ScalarType dtype)
    {
        using var model = new Gpt().to(dtype);
        var before = Base.Bytes(model.call(Ids()));
        using var adapter = model.CreateAdapter(All);
        model.ActiveAdapter = adapter;

        Assert.Equal(before, Base.Bytes(model.call(Ids())));
        var owners = adapter.modules().OfType<LowRankUpdate>().Where(update => Paths("c_attn", "c_proj", "gate").Contains(update.Path)).ToList();
        Assert.Equal(9, owners.Count);
        Assert.All(owners, update =>
        {
            Assert.Equal(Values.Flat(model.get_parameter($"{update.Path}.bias")!), Values.Flat(update.Bias!));
            Assert.Equal(dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32, update.Bias!.dtype);
            Assert.False(update.IsSaved);
        });
    }

    [Theory]
    [InlineData(TrainedBiases.None, "")]
    [InlineData(TrainedBiases.LoraOnly, "c_attn")]
    [InlineData(TrainedBiases.All, "c_attn c_proj gate")]
    public void Which_biases_the_adapter_owns(TrainedBiases biases, string names)
    {
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(new LoraConfig { Bias = biases });
        Assert.Equal(
            names.Split(' ', StringSplitOptions.RemoveEmptyEntries).SelectMany(name => Paths(name)).Select(path => path.EndsWith("c_attn", StringComparison.Ordinal) ? $"{path}.base_layer.bias" : $"{path}.bias").Order(StringComparer.Ordinal),
            adapter.state_dict().Keys.Where(key => key.EndsWith("bias", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal(3, adapter.Updates.Count);
        Assert.Empty(adapter.SavedProjections);
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void An_adapted_Linear_computes_with_it(ScalarType dtype)
    {
        using var model = new OneTarget(8, 5, dtype: dtype);
        using var adapter = model.CreateAdapter(LoraOnly).Filled();
        model.ActiveAdapter = adapter;
        var x = Base.Input(2, 3, 8).to_type(dtype);
        AssertIs(Reference(adapter.proj, Values.Matrix(model.get_parameter("proj.weight")!)), x, model.call(x), dtype);
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void An_adapted_Conv1D_computes_with_it(ScalarType dtype)
    {
        using var model = new OneConv1D(8, 5, dtype);
        using var adapter = model.CreateAdapter(LoraOnly with { LoraBias = false }).Filled();
        model.ActiveAdapter = adapter;
        var x = Base.Input(2, 3, 8).to_type(dtype);
        AssertIs(Reference(adapter.proj, Matrices.Transpose(Values.Matrix(model.get_parameter("proj.weight")!))), x, model.call(x), dtype);
    }

    [Theory]
    [InlineData("gate", false)]
    [InlineData("c_proj", true)]
    public void A_projection_that_is_not_adapted_computes_with_it_too(string name, bool isTransposed)
    {
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(All).Filled();
        var path = $"transformer.h.1.{name}";
        var (own, weight, x) = (adapter.modules().OfType<LowRankUpdate>().Single(update => update.Path == path), Values.Matrix(model.get_parameter($"{path}.weight")!), Base.Input(2, 3, Gpt.Width));
        var found = isTransposed
            ? Conv1DUpdate.Forward(model.ModuleAt<Conv1D>(path), (Conv1DUpdate)own, x)
            : LinearUpdate.Forward(model.ModuleAt<Linear>(path), (LinearUpdate)own, x);
        AssertIs(new LoraLinear(isTransposed ? Matrices.Transpose(weight) : weight, Values.Flat(own.Bias!), new double[1, Gpt.Width], new double[Gpt.Width, 1], 0), x, found, ScalarType.Float32);
    }

    // V = (m / ||V||) (W0 + s B A) leaves the bias alone, whosever it is.
    [Fact]
    public void With_DoRA_the_output_is_that_of_the_same_adapter_over_a_base_with_this_bias()
    {
        using var model = new OneTarget(8, 5);
        using var adapter = model.CreateAdapter(LoraOnly with { UseDora = true }).Filled();
        var x = Base.Input(2, 3, 8);
        model.ActiveAdapter = adapter;
        var reference = new DoraLinear(Reference(adapter.proj, Values.Matrix(model.get_parameter("proj.weight")!)), Values.Flat(adapter.proj.Magnitude!));
        var expected = reference.Forward(Values.Matrix(x));
        Assert.All(expected.Cast<double>().Zip(Values.Flat(model.call(x))), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-5 * (1 + Math.Abs(pair.First))));
    }

    [Fact]
    public void Beside_B_with_a_bias_both_count()
    {
        using var model = new OneTarget(8, 5);
        using var adapter = model.CreateAdapter(LoraOnly with { LoraBias = true }).Filled();
        var x = Base.Input(2, 3, 8);
        model.ActiveAdapter = adapter;
        var plain = Reference(adapter.proj, Values.Matrix(model.get_parameter("proj.weight")!));
        var reference = plain with { Bias = [.. plain.Bias!.Zip(Values.Flat(adapter.proj.BBias!), (b, own) => b + (4 * own))] };
        Assert.All(reference.Forward(Values.Matrix(x)).Cast<double>().Zip(Values.Flat(model.call(x))), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-5 * (1 + Math.Abs(pair.First))));

        model.Merge(adapter);
        Assert.All(reference.Bias!.Zip(Values.Flat(model.get_parameter("proj.bias")!)), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-6 * (1 + Math.Abs(pair.First))));
        model.Unmerge();
    }

    [Fact]
    public void The_gradients_are_the_slopes_of_the_forward_pass_and_the_base_has_none()
    {
        using var model = new OneTarget(6, 4, dtype: ScalarType.Float64);
        using var adapter = model.CreateAdapter(LoraOnly).Filled();
        adapter.to(ScalarType.Float64);
        model.ActiveAdapter = adapter;
        var (x, weights) = (Base.Input(2, 3, 6).to_type(ScalarType.Float64), Base.Input(2, 3, 4).to_type(ScalarType.Float64));
        Slopes.AssertAreGradients(adapter, () => (model.call(x) * weights).sum());
        Assert.Equal(3, adapter.parameters().Count());
        Assert.All(model.parameters(), parameter => Assert.Null(parameter.grad));
    }

    [Fact]
    public void A_training_step_changes_all_that_the_adapter_owns_and_no_bit_of_the_base_and_disabling_restores_its_output()
    {
        using var model = new Gpt();
        var (ofBase, bare) = (Base.Bytes(model), Base.Bytes(model.call(Ids())));
        using var adapter = model.CreateAdapter(All);
        model.ActiveAdapter = adapter;
        var before = Base.Bytes(adapter);
        using var optimizer = optim.SGD(adapter.parameters(), 0.1);

        for (var step = 0; step < 2; step++)
        {
            optimizer.zero_grad();
            model.call(Ids()).square().mean().backward();
            optimizer.step();
        }

        var after = Base.Bytes(adapter);
        Assert.All(before.Keys, key => Assert.NotEqual(before[key], after[key]));
        Assert.Equal(ofBase, Base.Bytes(model));
        Assert.NotEqual(bare, Base.Bytes(model.call(Ids())));
        model.ActiveAdapter = null;
        Assert.Equal(bare, Base.Bytes(model.call(Ids())));
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void A_merge_writes_the_adapters_bias_rounded_once_and_Unmerge_restores_every_bit(ScalarType dtype)
    {
        using var model = new Gpt().to(dtype);
        using var adapter = model.CreateAdapter(All).Filled();
        var before = Base.Bytes(model);

        model.Merge(adapter);

        var after = Base.Bytes(model);
        Assert.Equal(
            Paths("c_attn", "c_proj", "gate").Select(path => $"{path}.bias").Concat(Paths("c_attn").Select(path => $"{path}.weight")).Order(StringComparer.Ordinal),
            before.Keys.Where(key => !before[key].SequenceEqual(after[key])).Order(StringComparer.Ordinal));
        Assert.All(adapter.modules().OfType<LowRankUpdate>().Where(update => Paths("c_attn", "c_proj", "gate").Contains(update.Path)), update => Assert.Equal(
            Values.Flat(update.Bias!).Select(value => Rounding.Nearest(dtype, value)), Values.Flat(model.get_parameter($"{update.Path}.bias")!)));

        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
    }

    [Fact]
    public void The_merged_output_is_that_of_the_active_adapter()
    {
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(All).Filled();
        model.ActiveAdapter = adapter;
        var active = Values.Flat(model.call(Ids()));
        model.Merge(adapter);
        Assert.All(active.Zip(Values.Flat(model.call(Ids()))), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-5 * (1 + active.Max(Math.Abs))));
        model.Unmerge();
    }

    [Fact]
    public void A_value_that_is_not_finite_is_refused_before_the_base_is_touched()
    {
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(All);
        using (no_grad())
        {
            adapter.modules().OfType<LowRankUpdate>().Single(update => update.Path == "transformer.h.2.gate").Bias![1] = double.NaN;
        }

        var before = Base.Bytes(model);
        Assert.StartsWith("transformer.h.2.gate: expected finite weights", Assert.Throws<LoraException>(() => model.Merge(adapter)).Message, StringComparison.Ordinal);
        Assert.Equal(before, Base.Bytes(model));
    }

    // A, B and the bias in bf16.
    [Fact]
    public void A_frozen_one_keeps_its_copies_in_the_bases_dtype_until_it_may_change()
    {
        using var model = new OneTarget(8, 5, dtype: ScalarType.BFloat16);
        using var adapter = model.CreateAdapter(LoraOnly).Filled();
        model.ActiveAdapter = adapter;
        var x = Base.Input(512, 8).to_type(ScalarType.BFloat16); // Few rows would be computed in fp32, in which A and B need no copy.
        var expected = Output();
        adapter.Serving();

        Assert.Equal(3, KeptBy(() => Assert.Equal(expected, Output())));
        Assert.Equal(0, KeptBy(() => Assert.Equal(expected, Output())));
        Assert.Equal(-3, KeptBy(() => adapter.train()));
        Assert.Equal(0, KeptBy(() => Assert.Equal(expected, Output())));
        using (no_grad())
        {
            adapter.proj.Bias!.add_(1);
        }

        Assert.NotEqual(expected, Output());

        byte[] Output()
        {
            using var inference = no_grad();
            using var scope = NewDisposeScope();
            return Base.Bytes(model.call(x));
        }

        static long KeptBy(Action act)
        {
            var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
            act();
            return DisposeScopeManager.Statistics.ThreadTotalLiveCount - before;
        }
    }

    [Fact]
    public void After_a_move_the_biases_are_those_that_the_adapter_owns()
    {
        using var model = new Gpt().to(ScalarType.BFloat16);
        using var adapter = model.CreateAdapter(All).Filled();
        adapter.to(ScalarType.BFloat16);
        model.ActiveAdapter = adapter;
        model.call(Ids()).sum().backward();
        Assert.Equal((3 * 3) + (2 * 3), adapter.parameters().Count());
        Assert.All(adapter.parameters(), parameter => Assert.NotNull(parameter.grad));
        Assert.Contains(adapter.transformer.h[0].gate.Bias!, adapter.parameters());
    }

    [Fact]
    public void LoraPlus_has_every_parameter_once_and_biases_learn_as_B_does()
    {
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(All with { ModulesToSave = ["lm_head"] });
        var groups = adapter.ParameterGroups(1e-4, 16);
        Assert.Equal(adapter.parameters().Count(), groups.Sum(group => group.Parameters.Count()));
        var fast = groups.Single(group => ((AdamW.Options)group.Options).LearningRate == 16e-4).Parameters.ToHashSet();
        Assert.All(adapter.named_parameters(), item => Assert.Equal(item.name.EndsWith("bias", StringComparison.Ordinal) || item.name.EndsWith("lora_B.weight", StringComparison.Ordinal), fast.Contains(item.parameter)));
    }

    [Fact]
    public void A_disposed_adapter_says_so()
    {
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(All);
        model.ActiveAdapter = adapter;
        adapter.transformer.h[1].gate.Bias!.Dispose();
        Assert.StartsWith("transformer.h.1.gate: the adapter was disposed", Assert.Throws<LoraException>(() => model.call(Ids())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_of_a_base_with_a_bias_that_no_adapter_can_swap_is_refused_by_name_with_the_cure()
    {
        using var model = new Classified();
        var refusal = Assert.Throws<LoraException>(() => model.CreateAdapter(All)).Message;
        Assert.All(new[] { "LoraConfig: Bias: TrainedBiases.All", "[mix.bias]", "TrainedBiases.LoraOnly" }, part => Assert.Contains(part, refusal, StringComparison.Ordinal));
        Assert.All(model.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    [Fact]
    public void An_option_that_would_mean_nothing_is_refused()
    {
        using var model = new OneTarget(8, 5, bias: false);
        Assert.Contains("TrainedBiases.LoraOnly: expected an adapted projection with a bias, found none", Assert.Throws<LoraException>(() => model.CreateAdapter(LoraOnly)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Combining_is_refused_by_name()
    {
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(LoraOnly).Filled();
        Assert.All(
            new Action[] { () => model.Combine(new CombineOptions(), (adapter, 1)), () => model.Compress(adapter, 1) },
            operation => Assert.Contains("found one that owns biases of [transformer.h.0.c_attn", Assert.Throws<LoraException>(operation).Message, StringComparison.Ordinal));
    }

    [Fact]
    public void An_undefined_value_is_refused_by_name()
    {
        using var model = new OneTarget(8, 5);
        Assert.Contains("Bias: expected a member of TrainedBiases, found 9", Assert.Throws<LoraException>(() => model.CreateAdapter(new LoraConfig { Bias = (TrainedBiases)9 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_adapter_of_a_base_without_this_bias_does_not_fit()
    {
        using var model = new OneTarget(8, 5, bias: false);
        using var other = new OneTarget(8, 5);
        using var adapter = other.CreateAdapter(LoraOnly);
        Assert.Contains("proj: biases: expected 0 as in the base, found 5", Assert.Throws<LoraException>(() => model.ActiveAdapter = adapter).Message, StringComparison.Ordinal);
    }

    private static Tensor Ids() => tensor(new long[] { 3, 1, 6, 0 }).view(2, 2);

    private static IEnumerable<string> Paths(params string[] names) => names.SelectMany(name => Enumerable.Range(0, 3).Select(layer => $"transformer.h.{layer}.{name}"));

    private static LoraLinear Reference(LowRankUpdate update, double[,] weight)
        => new(weight, Values.Flat(update.Bias!), Values.Matrix(update.A), Values.Matrix(update.B), 12 / 3.0);

    private static void AssertIs(LoraLinear reference, Tensor x, Tensor found, ScalarType dtype) => Rounding.AssertWithin(
        reference.Forward(Values.Matrix(x)), Values.Matrix(found), reference.Absolute().Forward(Matrices.Abs(Values.Matrix(x))), Rounding.Unit(dtype), Rounding.Count(dtype, reference.Roundings, stored: 6));
}
