using LoraGen.Tests.Combining;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Invariants;

/// <summary>What PEFT's and torchtune's tests hold of training (tests/testing_common.py; tests/torchtune/modules/peft, tests/recipes).</summary>
public sealed class TrainingInvariants : IDisposable
{
    private const int In = 6;
    private const int Out = 5;
    private const double Scale = 12 / 3.0;

    private readonly IDisposable _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void I16_Three_steps_of_SGD_change_the_adapter_alone_and_by_its_gradients()
    {
        using var model = new OneTarget(In, Out, dtype: ScalarType.Float64);
        using var adapter = model.CreateAdapter().Trained();
        adapter.to(ScalarType.Float64);
        var (start, before) = (FormulaOf(model, adapter), Base.Bytes(model));
        var (x, target) = (Base.Input(4, In).to_type(ScalarType.Float64), Base.Input(4, Out).to_type(ScalarType.Float64));

        Descend(model, adapter, x, target, rate: 0.05, steps: 3);

        var expected = GradientDescent.Run(start, Values.Matrix(x), Values.Matrix(target), rate: 0.05, steps: 3).Trained;
        Assert.InRange(Deltas.Distance(expected.A, Values.Matrix(adapter.proj.A)), 0, 1e-12);
        Assert.InRange(Deltas.Distance(expected.B, Values.Matrix(adapter.proj.B)), 0, 1e-12);
        Assert.Equal(before, Base.Bytes(model));
        Assert.All(model.parameters(), parameter => Assert.Null(parameter.grad));
        Assert.All(adapter.parameters(), parameter => Assert.NotNull(parameter.grad));
    }

    [Fact]
    public void I26_Gradient_checkpointing_gives_the_gradients_of_the_formula()
    {
        using var model = new OneTarget(In, Out, dtype: ScalarType.Float64);
        using var adapter = model.CreateAdapter().Trained();
        adapter.to(ScalarType.Float64);
        model.ActiveAdapter = adapter;
        var (x, dy) = (Base.Input(4, In).to_type(ScalarType.Float64).requires_grad_(), Base.Input(4, Out).to_type(ScalarType.Float64));
        var (formula, rows) = (FormulaOf(model, adapter), Values.Matrix(x));

        var y = Recomputed.apply(model, x);
        y.backward([dy]);

        var expected = formula.Gradients(rows, Values.Matrix(dy));
        Assert.InRange(Deltas.Distance(formula.Forward(rows), Values.Matrix(y)), 0, 1e-13);
        Assert.InRange(Deltas.Distance(expected.A, Values.Matrix(adapter.proj.A.grad!)), 0, 1e-13);
        Assert.InRange(Deltas.Distance(expected.B, Values.Matrix(adapter.proj.B.grad!)), 0, 1e-13);
        Assert.InRange(Deltas.Distance(expected.X, Values.Matrix(x.grad!)), 0, 1e-13);
    }

    // TorchSharp has no autocast. The rule here: the output has the base's dtype, A and B and their gradients stay fp32.
    [Theory]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    public void I26_Over_a_base_of_half_precision_the_output_is_finite_and_of_its_dtype_and_the_adapter_stays_fp32(ScalarType dtype)
    {
        using var model = new OneTarget(In, Out, dtype: dtype);
        using var adapter = model.CreateAdapter().Trained();
        model.ActiveAdapter = adapter;
        var x = Base.Input(4, In).to_type(dtype);

        var y = model.call(x);
        y.sum().backward();

        Assert.Equal(dtype, y.dtype);
        Assert.All(Values.Flat(y), value => Assert.True(double.IsFinite(value)));
        Assert.InRange(Deltas.Distance(FormulaOf(model, adapter).Forward(Values.Matrix(x)), Values.Matrix(y)), 0, 4 * Rounding.Unit(dtype));
        Assert.All(adapter.parameters(), parameter => Assert.Equal((ScalarType.Float32, ScalarType.Float32), (parameter.dtype, parameter.grad!.dtype)));
    }

    // The mean of 20 sums of binary fractions, computed by hand in fractions: the order of adding does not matter.
    [Fact]
    public void I29_The_mean_of_the_output_of_fixed_weights_is_the_recorded_constant()
    {
        using var model = Fixed(out var adapter);
        using var owned = adapter;
        Assert.Equal(-7 / 320.0, model.call(X).mean().item<double>(), 1e-15);
        model.ActiveAdapter = adapter;
        Assert.Equal(-207 / 320.0, model.call(X).mean().item<double>(), 1e-15);
    }

    [Fact]
    public void I34_The_parameters_to_train_are_exactly_the_adapters()
    {
        using var model = new Classified();
        Assert.All(model.parameters(), parameter => Assert.True(parameter.requires_grad));
        using var adapter = model.CreateAdapter(new LoraConfig { TargetModules = ["wte", "dense"], ModulesToSave = ["out_proj"] });
        Assert.All(model.parameters(), parameter => Assert.False(parameter.requires_grad));
        Assert.Equal(
            [
                "classifier.dense.lora_A.weight", "classifier.dense.lora_B.weight", "classifier.out_proj.bias", "classifier.out_proj.weight", "dense.lora_A.weight", "dense.lora_B.weight",
                "wte.lora_embedding_A", "wte.lora_embedding_B",
            ],
            adapter.named_parameters().Where(item => item.parameter.requires_grad).Select(item => item.name).Order(StringComparer.Ordinal));
        Assert.Equal(8, adapter.parameters().Count());
    }

    [Fact(Skip = "Activation offloading needs saved_tensors_hooks, which TorchSharp 0.107 does not have. Its way to spare activations is to compute them again: invariant 26.")]
    public void I39_Offloaded_activations_give_the_same_gradients()
    {
    }

    // Recorded from a loop over plain numbers in another language; the loop here must find them too.
    [Fact]
    public void I40_The_loss_curve_of_a_tiny_run_equals_the_recorded_one()
    {
        double[] recorded = [5.86220703125, 3.0510931014521563, 2.021416879270221, 1.4974159039792427, 1.1866563607352165];
        using var model = Fixed(out var adapter);
        using var owned = adapter;
        var start = FormulaOf(model, adapter);

        var losses = Descend(model, adapter, X, Target, rate: 0.02, steps: 5);

        Assert.All(recorded.Zip(losses), pair => Assert.Equal(pair.First, pair.Second, 1e-12 * pair.First));
        Assert.All(recorded.Zip(GradientDescent.Run(start, Values.Matrix(X), Values.Matrix(Target), rate: 0.02, steps: 5).Losses), pair => Assert.Equal(pair.First, pair.Second, 1e-12 * pair.First));
    }

    private static Tensor X => Filled((n, i) => ((n + (2 * i)) % 9) - 4, 4, In) / 4;

    private static Tensor Target => Filled((n, o) => (((2 * n) + o) % 5) - 2, 4, Out) / 2;

    private static OneTarget Fixed(out OneTarget.Adapter adapter)
    {
        using var inference = no_grad();
        var model = new OneTarget(In, Out, dtype: ScalarType.Float64);
        model.get_parameter("proj.weight")!.copy_(Filled((o, i) => (((3 * o) + (5 * i)) % 7) - 3, Out, In) / 8);
        model.get_parameter("proj.bias")!.copy_(Filled((o, _) => o - 2, Out, 1).view(-1) / 2);
        adapter = model.CreateAdapter();
        adapter.to(ScalarType.Float64);
        adapter.proj.A.copy_(Filled((k, i) => (((2 * k) + (3 * i)) % 5) - 2, 3, In) / 4);
        adapter.proj.B.copy_(Filled((o, k) => ((o + (4 * k)) % 7) - 2, Out, 3) / 4);
        return model;
    }

    private static Tensor Filled(Func<int, int, int> value, int rows, int columns)
        => tensor(Enumerable.Range(0, rows * columns).Select(n => (double)value(n / columns, n % columns)).ToArray()).view(rows, columns);

    private static LoraLinear FormulaOf(OneTarget model, OneTarget.Adapter adapter)
        => new(Values.Matrix(model.get_parameter("proj.weight")!), Values.Flat(model.get_parameter("proj.bias")!), Values.Matrix(adapter.proj.A), Values.Matrix(adapter.proj.B), Scale);

    /// <summary>The loss before each step.</summary>
    private static List<double> Descend(OneTarget model, OneTarget.Adapter adapter, Tensor x, Tensor target, double rate, int steps)
    {
        var losses = new List<double>();
        model.ActiveAdapter = adapter;
        using var optimizer = optim.SGD(adapter.parameters(), learningRate: rate);
        for (var step = 0; step < steps; step++)
        {
            optimizer.zero_grad();
            var loss = (model.call(x) - target).square().mean();
            loss.backward();
            optimizer.step();
            losses.Add(loss.item<double>());
        }

        return losses;
    }
}
