using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Kinds;

/// <summary>
/// What holds for a projection whose weight is [in, out], whatever it computes, against the float64 loops for one whose weight is [out, in].
/// Its key is <c>proj</c>, its rank 3, its alpha 12.
/// </summary>
public abstract class OneProjectionTests<TModel, TAdapter>
    where TModel : Module<Tensor, Tensor>, ILoraModel<TAdapter>
    where TAdapter : LoraAdapter
{
    protected const int In = 32;
    protected const int Out = 16;

    /// <summary>The dtypes of a base.</summary>
    public static TheoryData<ScalarType> Dtypes => [ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16];

    protected abstract TModel Model(ScalarType dtype = ScalarType.Float32);

    protected abstract TAdapter Load(string folder, TModel model);

    /// <summary>An input of 2 by 5 rows.</summary>
    protected abstract Tensor Input(ScalarType dtype);

    /// <summary>The input as the rows that a linear projection would be given.</summary>
    protected abstract double[,] Rows(Tensor input);

    /// <summary>A's key and B's below the projection, as PEFT's files have them.</summary>
    protected abstract (string A, string B) Keys { get; }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void The_output_is_the_bases_plus_that_of_s_B_A(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var model = Model(dtype);
        using var adapter = model.CreateAdapter(new LoraConfig { Dropout = 0 }).Trained();
        var x = Input(dtype);
        using (no_grad())
        {
            AssertIsFormula(Reference(model, adapter: null), x, model.call(x), dtype);
        }

        model.ActiveAdapter = adapter;

        AssertIsFormula(Reference(model, adapter), x, model.call(x), dtype);
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void The_gradients_of_A_and_B_are_the_formulas(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var model = Model(dtype);
        using var adapter = model.CreateAdapter(new LoraConfig { Dropout = 0 }).Trained();
        model.ActiveAdapter = adapter;
        var (x, dy) = (Input(dtype), Base.Input(2, 5, Out).to_type(dtype));

        model.call(x).backward([dy]);

        var update = adapter.Updates[0];
        var (reference, rows, upstream) = (Reference(model, adapter), Rows(x), Values.Matrix(dy));
        var (expected, sizes) = (reference.Gradients(rows, upstream), reference.Absolute().Gradients(Matrices.Abs(rows), Matrices.Abs(upstream)));
        var (unit, roundings) = (Math.Max(Rounding.Unit(dtype), Rounding.Float32), Rounding.Count(dtype, reference.Roundings + 10 + Out, stored: 5 + 10));
        Rounding.AssertWithin(expected.A, Values.Matrix(update.A.grad!), sizes.A, unit, roundings);
        Rounding.AssertWithin(expected.B, Values.Matrix(update.B.grad!), sizes.B, unit, roundings);
        Assert.All(model.parameters(), parameter => Assert.Null(parameter.grad));
    }

    // No reference at all: the slope of the library's own output, in float64 from end to end. The loss is linear in each number.
    [Fact]
    public void The_gradients_are_the_slopes_of_the_forward_pass()
    {
        using var scope = NewDisposeScope();
        using var model = Model(ScalarType.Float64);
        using var adapter = model.CreateAdapter(new LoraConfig { Dropout = 0 }).Trained();
        adapter.to(ScalarType.Float64);
        model.ActiveAdapter = adapter;
        var (x, weights) = (Input(ScalarType.Float64), Base.Input(2, 5, Out).to_type(ScalarType.Float64));
        Loss().backward();

        foreach (var variable in new[] { adapter.Updates[0].A, adapter.Updates[0].B })
        {
            using var inference = no_grad();
            var (numbers, found) = (variable.view(-1), Values.Flat(variable.grad!));
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

        Tensor Loss() => (model.call(x) * weights).sum();
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void A_new_adapter_leaves_every_bit_of_the_output(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var model = Model(dtype);
        using var adapter = model.CreateAdapter();
        var x = Input(dtype);
        var before = Base.Bytes(model.call(x));
        model.ActiveAdapter = adapter;
        Assert.Equal(before, Base.Bytes(model.call(x)));
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void The_merged_weight_is_W_plus_s_B_A_transposed_and_Unmerge_restores_every_bit(ScalarType dtype)
    {
        using var model = Model(dtype);
        using var adapter = model.CreateAdapter().Trained();
        var (reference, before) = (Reference(model, adapter), Base.Bytes(model));

        model.Merge(adapter);

        // The fp32 sum and, in the half formats, its one rounding to the base's.
        Rounding.AssertWithin(
            Matrices.Transpose(reference.MergedWeight()),
            Values.Matrix(model.state_dict()["proj.weight"]),
            Matrices.Transpose(reference.Absolute().MergedWeight()),
            Rounding.Unit(dtype),
            Rounding.Count(dtype, summed: 3 + 3, stored: 1) + 1);
        Assert.Equal(["proj.weight"], before.Keys.Where(key => !before[key].SequenceEqual(Base.Bytes(model)[key])));

        model.Unmerge();

        Assert.Equal(before, Base.Bytes(model));
    }

    [Fact]
    public void After_a_move_to_bf16_A_and_B_are_those_that_the_adapter_owns()
    {
        using var scope = NewDisposeScope();
        using var model = Model(ScalarType.BFloat16);
        using var adapter = model.CreateAdapter(new LoraConfig { Dropout = 0 }).Trained();
        adapter.to(ScalarType.BFloat16);
        model.ActiveAdapter = adapter;
        var x = Input(ScalarType.BFloat16);

        model.call(x).sum().backward();

        Assert.Equal(adapter.parameters(), [adapter.Updates[0].A, adapter.Updates[0].B]);
        Assert.All(adapter.parameters(), parameter => Assert.NotNull(parameter.grad));
        AssertIsFormula(Reference(model, adapter), x, model.call(x), ScalarType.BFloat16);
    }

    [Fact]
    public void The_saved_file_has_the_keys_and_shapes_of_PEFT_and_comes_back()
    {
        using var folder = new ScratchFolder();
        using var model = Model();
        using var adapter = model.CreateAdapter().Trained();
        adapter.Save(folder.Path);

        var file = SafetensorsBytes.Parse(File.ReadAllBytes(folder.PathOf("adapter_model.safetensors")));
        Assert.Equal(
            [($"base_model.model.proj.{Keys.A}", [3L, In]), ($"base_model.model.proj.{Keys.B}", [(long)Out, 3])],
            file.Tensors.Select(item => (item.Key, item.Value.Shape)));
        Assert.Equal([$"proj.{Keys.A}", $"proj.{Keys.B}"], adapter.state_dict().Keys);

        using var loaded = Load(folder.Path, model);
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(loaded));
    }

    // A frozen adapter keeps copies in the base's dtype; what they compute is what A and B compute.
    [Fact]
    public void A_serving_adapter_computes_the_same()
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        using var model = Model(ScalarType.BFloat16);
        model.eval();
        using var adapter = model.CreateAdapter().Trained();
        model.ActiveAdapter = adapter;
        var x = Input(ScalarType.BFloat16);
        var expected = Base.Bytes(model.call(x));

        adapter.Serving();

        Assert.Equal(expected, Base.Bytes(model.call(x)));
        Assert.Equal(expected, Base.Bytes(model.call(x)));
    }

    // As a linear projection: the weight is its transpose.
    private static LoraLinear Reference(TModel model, TAdapter? adapter)
    {
        var state = model.state_dict();
        return new LoraLinear(
            Matrices.Transpose(Values.Matrix(state["proj.weight"])),
            state.TryGetValue("proj.bias", out var bias) ? Values.Flat(bias) : null,
            adapter is null ? new double[3, In] : Values.Matrix(adapter.Updates[0].A),
            adapter is null ? new double[Out, 3] : Values.Matrix(adapter.Updates[0].B),
            12 / 3.0);
    }

    private void AssertIsFormula(LoraLinear reference, Tensor x, Tensor y, ScalarType dtype)
    {
        Assert.Equal(dtype, y.dtype);
        Assert.Equal([2, 5, Out], y.shape);
        var rows = Rows(x);
        Rounding.AssertWithin(
            reference.Forward(rows), Values.Matrix(y), reference.Absolute().Forward(Matrices.Abs(rows)), Rounding.Unit(dtype), Rounding.Count(dtype, reference.Roundings, stored: 5));
    }
}
