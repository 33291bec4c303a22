using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Variants;

/// <summary>
/// DoRA against float64 loops, for one projection of any kind. Its key is <c>proj</c>, its rank 3, its alpha 12.
/// </summary>
public abstract class DoraTests<TModel, TAdapter> : IDisposable
    where TModel : Module<Tensor, Tensor>, ILoraModel<TAdapter>
    where TAdapter : LoraAdapter
{
    protected const int In = 24;
    protected const int Out = 10;

    private static readonly LoraConfig WithDora = new() { UseDora = true, Dropout = 0 };

    private readonly IDisposable _scope = NewDisposeScope();

    /// <summary>The dtypes of a base.</summary>
    public static TheoryData<ScalarType> Dtypes => [ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16];

    protected abstract TModel Model(ScalarType dtype = ScalarType.Float32, int inputs = In, int outputs = Out);

    protected abstract TAdapter Load(string folder, TModel model);

    /// <summary>An input of 2 by 5 rows.</summary>
    protected virtual Tensor Input(ScalarType dtype) => Base.Input(2, 5, In).to_type(dtype);

    /// <summary>The input as the rows that a linear projection would be given.</summary>
    protected virtual double[,] Rows(Tensor input) => Values.Matrix(input);

    /// <summary>Whether the weight is [in, out].</summary>
    protected abstract bool IsTransposed { get; }

    protected abstract string[] Keys { get; }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void The_output_is_m_over_the_norm_of_V_times_V_x(ScalarType dtype)
    {
        using var model = Model(dtype);
        using var adapter = Trained(model);
        model.ActiveAdapter = adapter;
        var x = Input(dtype);

        var y = model.call(x);

        Assert.Equal((dtype, 3), (y.dtype, (int)y.dim()));
        AssertNear(Reference(model, adapter).Forward(Rows(x)), Values.Matrix(y), dtype);
    }

    [Fact]
    public void The_gradients_are_the_slopes_of_the_formula_whose_norm_is_held()
    {
        using var model = Model(ScalarType.Float64);
        using var adapter = Trained(model);
        adapter.to(ScalarType.Float64);
        model.ActiveAdapter = adapter;
        var (x, dy) = (Input(ScalarType.Float64), Base.Input(2, 5, Out).to_type(ScalarType.Float64));
        if (x.is_floating_point())
            x.requires_grad_();
        var (rows, upstream) = (Rows(x), Values.Matrix(dy));
        var reference = Reference(model, adapter);
        double[] norms = [.. reference.Magnitude.Zip(reference.Ratio, (m, ratio) => m / ratio)];

        model.call(x).backward([dy]);

        var update = adapter.Updates[0];
        AssertSlopes(reference.Lora.A.Cast<double>().ToArray(), update.A.grad!, (values, r) => r with { Lora = r.Lora with { A = Shaped(values, r.Lora.A) } });
        AssertSlopes(reference.Lora.B.Cast<double>().ToArray(), update.B.grad!, (values, r) => r with { Lora = r.Lora with { B = Shaped(values, r.Lora.B) } });
        AssertSlopes(reference.Magnitude, update.Magnitude!.grad!, (values, r) => r with { Magnitude = values });
        if (x.requires_grad)
        {
            AssertAreSlopes(rows.Cast<double>().ToArray(), x.grad!, values => Loss(reference, Shaped(values, rows)));
        }

        void AssertSlopes(double[] values, Tensor gradient, Func<double[], DoraLinear, DoraLinear> with)
            => AssertAreSlopes(values, gradient, changed => Loss(with(changed, reference), rows));

        double Loss(DoraLinear formula, double[,] input)
            => formula.Forward(input, ratio: [.. formula.Magnitude.Zip(norms, (m, norm) => m / norm)]).Cast<double>().Zip(upstream.Cast<double>(), (y, weight) => y * weight).Sum();
    }

    // Rows: torch's own bf16 Linear rounds those of three axes otherwise.
    [Theory]
    [MemberData(nameof(Dtypes))]
    public void A_new_adapter_leaves_every_bit_of_the_output(ScalarType dtype)
    {
        using var model = Model(dtype);
        using var adapter = model.CreateAdapter(WithDora);
        var x = Input(dtype).flatten(0, 1);
        var before = Base.Bytes(model.call(x));

        model.ActiveAdapter = adapter;

        Assert.Equal(before, Base.Bytes(model.call(x)));
    }

    // So wide that the weight is looked at in several goes.
    [Fact]
    public void A_new_magnitude_is_the_norm_of_the_weight_over_the_inputs()
    {
        using var model = Model(inputs: 70_000, outputs: 31);
        using var adapter = model.CreateAdapter(WithDora);

        var (weight, found) = (Weight(model), Values.Flat(adapter.Updates[0].Magnitude!));

        Assert.Equal(31, found.Length);
        Assert.All(found, (value, o) => Assert.Equal(DoraLinear.Norm(weight, o), value, tolerance: 1e-5 * value));
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void The_merged_weight_is_m_V_over_its_norm_and_Unmerge_restores_every_bit(ScalarType dtype)
    {
        using var model = Model(dtype);
        using var adapter = Trained(model);
        var (reference, before) = (Reference(model, adapter), Base.Bytes(model));

        model.Merge(adapter);

        AssertNear(reference.MergedWeight(), Weight(model), dtype);
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
    }

    [Fact]
    public void The_merged_output_is_that_of_the_active_adapter()
    {
        using var model = Model();
        using var adapter = Trained(model);
        model.ActiveAdapter = adapter;
        var (x, active) = (Input(ScalarType.Float32), Values.Flat(model.call(Input(ScalarType.Float32))));

        model.Merge(adapter);

        Assert.All(active.Zip(Values.Flat(model.call(x))), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-5 * (1 + Math.Abs(pair.First))));
        model.Unmerge();
    }

    [Fact]
    public void A_merge_that_is_not_finite_is_refused()
    {
        using var model = Model();
        using var adapter = Trained(model);
        using (no_grad())
        {
            adapter.Updates[0].Magnitude![3] = float.NaN;
        }

        var before = Base.Bytes(model);
        Assert.StartsWith("proj: expected finite weights", Assert.Throws<LoraException>(() => model.Merge(adapter)).Message, StringComparison.Ordinal);
        Assert.Equal(before, Base.Bytes(model));
    }

    [Fact]
    public void A_saved_adapter_has_PEFTs_keys_and_comes_back()
    {
        using var folder = new ScratchFolder();
        using var model = Model();
        using var adapter = Trained(model);

        adapter.Save(folder.Path);

        var saved = SafetensorsBytes.Parse(File.ReadAllBytes(folder.PathOf("adapter_model.safetensors")));
        Assert.Equal(Keys.Order(StringComparer.Ordinal), saved.Tensors.Keys.Order(StringComparer.Ordinal));
        Assert.Equal([Out], saved.Tensors["base_model.model.proj.lora_magnitude_vector"].Shape);
        Assert.Contains("\"use_dora\": true", File.ReadAllText(folder.PathOf("adapter_config.json")), StringComparison.Ordinal);
        using var loaded = Load(folder.Path, model);
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(loaded));
    }

    // A frozen adapter keeps m / ||V|| too, until it is in training mode again.
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void A_serving_adapter_computes_the_same(ScalarType dtype)
    {
        using var inference = no_grad();
        using var model = Model(dtype);
        model.eval();
        using var adapter = Trained(model);
        model.ActiveAdapter = adapter;
        var x = Input(dtype);
        var expected = Base.Bytes(model.call(x));

        adapter.Serving();

        Assert.Equal(expected, Base.Bytes(model.call(x)));
        Assert.Equal(expected, Base.Bytes(model.call(x)));
        adapter.train();
        adapter.Updates[0].Magnitude!.mul_(2);
        adapter.eval();
        AssertNear(Reference(model, adapter).Forward(Rows(x)), Values.Matrix(model.call(x)), dtype);
    }

    [Fact]
    public void An_output_that_the_base_leaves_at_zero_stays_a_number()
    {
        using var model = Model();
        using (no_grad())
        {
            var weight = model.state_dict()["proj.weight"];
            (IsTransposed ? weight.t() : weight)[2].zero_();
        }

        using var adapter = model.CreateAdapter(WithDora);
        var x = Input(ScalarType.Float32);
        var before = Base.Bytes(model.call(x));
        model.ActiveAdapter = adapter;
        Assert.All(Values.Flat(model.call(x)), value => Assert.True(double.IsFinite(value)));
        Assert.Equal(1, Values.Flat(adapter.Updates[0].Magnitude!)[2]);
        Assert.Equal(before, Base.Bytes(model.call(x)));
    }

    public void Dispose()
    {
        _scope.Dispose();
        GC.SuppressFinalize(this);
    }

    // As if it had been trained: m is a little off the norm, as A and B are off their start.
    private static TAdapter Trained(TModel model)
    {
        var adapter = model.CreateAdapter(WithDora).Trained();
        using var inference = no_grad();
        var magnitude = adapter.Updates[0].Magnitude!;
        magnitude.mul_(Base.Input(magnitude.shape).mul(0.2).add(1.1));
        return adapter;
    }

    private DoraLinear Reference(TModel model, TAdapter adapter)
    {
        var update = adapter.Updates[0];
        return new DoraLinear(
            new LoraLinear(
                Weight(model),
                model.state_dict().TryGetValue("proj.bias", out var bias) ? Values.Flat(bias) : null,
                Values.Matrix(update.A),
                Values.Matrix(update.B),
                12 / 3.0),
            Values.Flat(update.Magnitude!));
    }

    private double[,] Weight(TModel model)
    {
        var weight = Values.Matrix(model.state_dict()["proj.weight"]);
        return IsTransposed ? Matrices.Transpose(weight) : weight;
    }

    private static double[,] Shaped(double[] values, double[,] like)
    {
        var result = new double[like.GetLength(0), like.GetLength(1)];
        Buffer.BlockCopy(values, 0, result, 0, values.Length * sizeof(double));
        return result;
    }

    // The loss is linear in each number of A, of B, of m and of x while the norm is held.
    private static void AssertAreSlopes(double[] values, Tensor gradient, Func<double[], double> loss)
    {
        const double step = 1e-3;
        var found = Values.Flat(gradient);
        Assert.Equal(values.Length, found.Length);
        for (var i = 0; i < values.Length; i++)
        {
            var (above, below) = (values.ToArray(), values.ToArray());
            above[i] += step;
            below[i] -= step;
            var slope = (loss(above) - loss(below)) / (2 * step);
            Assert.Equal(slope, found[i], tolerance: 1e-9 * (1 + Math.Abs(slope)));
        }
    }

    // Some ten roundings in the base's dtype, of numbers that are no larger than the largest result here by more than a few times.
    private static void AssertNear(double[,] expected, double[,] found, ScalarType dtype)
    {
        var size = expected.Cast<double>().Max(Math.Abs);
        Assert.Equal(expected.Length, found.Length);
        Assert.All(expected.Cast<double>().Zip(found.Cast<double>()), pair => Assert.Equal(pair.First, pair.Second, tolerance: 20 * Math.Max(Rounding.Unit(dtype), Rounding.Float32) * size));
    }
}
