using System.Text.Json.Nodes;
using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Initialisation;

/// <summary>PiSSA, OLoRA and LoftQ take A and B out of the base's weight, which stays as it is: the update is s (B A - B0 A0). Rank 3, alpha 12.</summary>
public abstract class StartFromBaseTests<TModel, TAdapter> : IDisposable
    where TModel : Module<Tensor, Tensor>, ILoraModel<TAdapter>
    where TAdapter : LoraAdapter
{
    private const int In = 14;
    private const int Out = 9;
    private const int Rank = 3;
    private const double Scale = 12 / 3.0;

    private readonly IDisposable _scope = NewDisposeScope();
    private readonly KnownSpectrum _spectrum = new(Out, In);

    public static TheoryData<LoraInit> Inits => [LoraInit.Pissa, LoraInit.Olora, LoraInit.Loftq];

    public static MatrixTheoryData<LoraInit, ScalarType> InitsAndDtypes { get; } = new(
        [LoraInit.Pissa, LoraInit.Olora, LoraInit.Loftq], [ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16]);

    protected abstract bool IsTransposed { get; }

    protected abstract TModel Model(ScalarType dtype, int inputs, int outputs);

    protected abstract TAdapter Load(string folder, TModel model);

    // The randomised decomposition of a spectrum that falls by a third each time is as good after some iterations.
    [Theory]
    [InlineData(null)]
    [InlineData(16)]
    public void PiSSA_begins_with_the_largest_singular_values_and_vectors(int? iterations)
    {
        using var model = Known();
        using var generator = new Generator(5, CPU);
        using var adapter = model.CreateAdapter(new LoraConfig { Init = LoraInit.Pissa, PissaIterations = iterations }, generator);
        var update = adapter.Updates[0];
        var (a, b) = (Values.Matrix(update.A), Values.Matrix(update.B));

        AssertNear(_spectrum.Truncated(Rank), Times(b, a, Scale), 1e-5);
        for (var k = 0; k < Rank; k++)
        {
            var root = Math.Sqrt(_spectrum.Values[k] / Scale);
            Assert.Equal(root, DoraLinear.Norm(a, k), tolerance: 1e-5);
            Assert.Equal(root, DoraLinear.Norm(Matrices.Transpose(b), k), tolerance: 1e-5);
        }
    }

    [Fact]
    public void Without_an_iteration_the_randomised_start_is_worse_and_still_no_change()
    {
        using var model = Known();
        using var generator = new Generator(5, CPU);
        using var adapter = model.CreateAdapter(new LoraConfig { Init = LoraInit.Pissa, PissaIterations = 0 }, generator);
        var product = Times(Values.Matrix(adapter.Updates[0].B), Values.Matrix(adapter.Updates[0].A), Scale);
        Assert.InRange(Matrices.Zip(product, _spectrum.Truncated(Rank), (x, y) => x - y).Cast<double>().Max(Math.Abs), 1e-3, 1);
        Assert.All(Values.Flat(adapter.Updates[0].Delta()), value => Assert.Equal(0, value));
    }

    // Q R with B the first columns of Q and A the first rows of R: what W is within the space of its first columns, by Gram and Schmidt.
    [Fact]
    public void OLoRA_begins_with_the_first_columns_and_rows_of_Q_and_R()
    {
        using var model = Known();
        using var adapter = model.CreateAdapter(new LoraConfig { Init = LoraInit.Olora });
        var (w, b) = (_spectrum.Truncated(Out), Values.Matrix(adapter.Updates[0].B));
        var expected = new double[Out, In];
        var basis = new List<double[]>();
        for (var k = 0; k < Rank; k++)
        {
            double[] column = [.. Enumerable.Range(0, Out).Select(o => w[o, k])];
            foreach (var q in basis)
            {
                var along = q.Zip(column, (x, y) => x * y).Sum();
                column = [.. column.Zip(q, (x, y) => x - (along * y))];
            }

            var norm = Math.Sqrt(column.Sum(x => x * x));
            basis.Add([.. column.Select(x => x / norm)]);
            Assert.Equal(1, Math.Abs(basis[k].Select((x, o) => x * b[o, k]).Sum()), tolerance: 1e-5);
            for (var i = 0; i < In; i++)
            {
                var along = basis[k].Select((x, o) => x * w[o, i]).Sum();
                for (var o = 0; o < Out; o++)
                    expected[o, i] += along * basis[k][o];
            }
        }

        AssertNear(expected, Times(b, Values.Matrix(adapter.Updates[0].A), 1), 1e-5);
    }

    // Rows: torch's own bf16 Linear rounds those of three axes otherwise.
    [Theory]
    [MemberData(nameof(InitsAndDtypes))]
    public void A_new_adapter_leaves_every_bit_of_the_base_and_of_its_output(LoraInit init, ScalarType dtype)
    {
        using var model = Model(dtype, In, Out);
        var before = Base.Bytes(model);
        var x = Base.Input(7, In).to_type(dtype);
        var output = Base.Bytes(model.call(x));

        using var adapter = model.CreateAdapter(new LoraConfig { Init = init });
        model.ActiveAdapter = adapter;

        Assert.Contains(Values.Flat(adapter.Updates[0].B), value => value != 0);
        Assert.Equal(output, Base.Bytes(model.call(x)));
        Assert.Equal(before, Base.Bytes(model));
    }

    [Theory]
    [MemberData(nameof(InitsAndDtypes))]
    public void A_trained_adapter_adds_s_times_B_A_less_B0_A0(LoraInit init, ScalarType dtype)
    {
        using var model = Model(dtype, In, Out);
        using var adapter = model.CreateAdapter(new LoraConfig { Init = init });
        var start = Factors(adapter);
        Train(adapter);
        model.ActiveAdapter = adapter;
        var x = Base.Input(7, In).to_type(dtype);

        AssertNear(Reference(model, Factors(adapter), start).Forward(Values.Matrix(x)), Values.Matrix(model.call(x)), 30 * Math.Max(Rounding.Unit(dtype), Rounding.Float32));
    }

    [Theory]
    [MemberData(nameof(Inits))]
    public void The_gradients_are_those_of_A_and_B_alone(LoraInit init)
    {
        using var model = Model(ScalarType.Float64, In, Out);
        using var adapter = model.CreateAdapter(new LoraConfig { Init = init });
        var start = Factors(adapter);
        Train(adapter);
        adapter.to(ScalarType.Float64);
        model.ActiveAdapter = adapter;
        var (x, dy) = (Base.Input(7, In).to_type(ScalarType.Float64).requires_grad_(), Base.Input(7, Out).to_type(ScalarType.Float64));

        model.call(x).backward([dy]);

        var (rows, upstream, update) = (Values.Matrix(x), Values.Matrix(dy), adapter.Updates[0]);
        var expected = Reference(model, Factors(adapter), (new double[1, In], new double[Out, 1])).Gradients(rows, upstream);
        AssertNear(Rows(expected.A, Rank), Values.Matrix(update.A.grad!), 1e-12);
        AssertNear(Matrices.Transpose(Rows(Matrices.Transpose(expected.B), Rank)), Values.Matrix(update.B.grad!), 1e-12);
        AssertNear(Reference(model, Factors(adapter), start).Gradients(rows, upstream).X, Values.Matrix(x.grad!), 1e-12);
        Assert.Equal(2, adapter.parameters().Count());
    }

    [Theory]
    [MemberData(nameof(InitsAndDtypes))]
    public void The_merged_weight_is_that_sum_and_Unmerge_restores_every_bit(LoraInit init, ScalarType dtype)
    {
        using var model = Model(dtype, In, Out);
        using var adapter = model.CreateAdapter(new LoraConfig { Init = init });
        var start = Factors(adapter);
        Train(adapter);
        var (reference, before) = (Reference(model, Factors(adapter), start), Base.Bytes(model));

        model.Merge(adapter);

        AssertNear(reference.MergedWeight(), Weight(model), 3 * Math.Max(Rounding.Unit(dtype), 3 * Rounding.Float32));
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
    }

    [Theory]
    [InlineData(LoraInit.Pissa, false)]
    [InlineData(LoraInit.Pissa, true)]
    [InlineData(LoraInit.Olora, false)]
    [InlineData(LoraInit.Olora, true)]
    [InlineData(LoraInit.Loftq, false)]
    public void Saved_it_is_a_plain_adapter_of_twice_the_rank_for_the_untouched_base(LoraInit init, bool rslora)
    {
        using var folder = new ScratchFolder();
        using var model = Model(ScalarType.Float32, In, Out);
        using var adapter = model.CreateAdapter(new LoraConfig { Init = init, UseRslora = rslora });
        var start = Factors(adapter);
        Train(adapter);
        model.ActiveAdapter = adapter;
        var x = Base.Input(7, In);
        var output = Base.Bytes(model.call(x));

        adapter.Save(folder.Path);

        var config = JsonNode.Parse(File.ReadAllText(folder.PathOf("adapter_config.json")))!;
        Assert.Equal((2 * Rank, true), (config["r"]!.GetValue<int>(), config["init_lora_weights"]!.GetValue<bool>()));
        Assert.Equal(rslora ? 12 * Math.Sqrt(2) : 24, config["lora_alpha"]!.GetValue<double>(), tolerance: 1e-12);
        using var loaded = Load(folder.Path, model);
        var (plain, scale) = (loaded.Updates[0], rslora ? 12 / Math.Sqrt(3) : Scale);
        Assert.Equal(["proj.lora_A.weight", "proj.lora_B.weight"], loaded.state_dict().Keys);
        Assert.Equal([2 * Rank, In], plain.A.shape);
        Assert.Equal([Out, 2 * Rank], plain.B.shape);
        Assert.Equal(scale, plain.Scale.Factor, tolerance: 1e-12);
        var now = Factors(adapter);
        AssertNear(
            Matrices.Zip(Times(now.B, now.A, scale), Times(start.B, start.A, scale), (x, y) => x - y), Times(Values.Matrix(plain.B), Values.Matrix(plain.A), scale), 1e-5);
        model.ActiveAdapter = loaded;
        if (!rslora)
            Assert.Equal(output, Base.Bytes(model.call(x)));
    }

    [Theory]
    [MemberData(nameof(Inits))]
    public void With_DoRA_it_begins_as_the_base_too(LoraInit init)
    {
        using var folder = new ScratchFolder();
        using var model = Model(ScalarType.Float32, In, Out);
        var x = Base.Input(7, In);
        var before = Base.Bytes(model.call(x));
        using var adapter = model.CreateAdapter(new LoraConfig { Init = init, UseDora = true });
        model.ActiveAdapter = adapter;
        Assert.Equal(before, Base.Bytes(model.call(x)));
        Assert.All(Values.Flat(adapter.Updates[0].Magnitude!), (norm, o) => Assert.Equal(DoraLinear.Norm(Weight(model), o), norm, tolerance: 1e-5));

        var start = Factors(adapter);
        Train(adapter);
        var reference = new DoraLinear(Reference(model, Factors(adapter), start), Values.Flat(adapter.Updates[0].Magnitude!));
        AssertNear(reference.Forward(Values.Matrix(x)), Values.Matrix(model.call(x)), 1e-5);
        adapter.Save(folder.Path);
        var output = Base.Bytes(model.call(x));
        using var loaded = Load(folder.Path, model);
        model.ActiveAdapter = loaded;
        Assert.Equal(output, Base.Bytes(model.call(x)));
    }

    // A run's checkpoint is the adapter's state_dict.
    [Theory]
    [MemberData(nameof(Inits))]
    public void The_start_is_part_of_the_adapters_state_and_moves_and_goes_with_it(LoraInit init)
    {
        using var model = Model(ScalarType.Float32, In, Out);
        using var other = model.CreateAdapter(new LoraConfig { Init = LoraInit.Olora });
        var adapter = model.CreateAdapter(new LoraConfig { Init = init });
        Assert.Equal(["proj.lora_A.weight", "proj.lora_B.weight", "proj.lora_start_A", "proj.lora_start_B"], adapter.state_dict().Keys.Order(StringComparer.Ordinal));
        Train(adapter);
        other.load_state_dict(adapter.state_dict());
        Assert.Equal(Base.Bytes(adapter.Updates[0].Delta()), Base.Bytes(other.Updates[0].Delta()));

        adapter.to(ScalarType.Float64);
        var start = adapter.state_dict()["proj.lora_start_A"];
        Assert.Equal(ScalarType.Float64, start.dtype);
        AssertNear(Values.Matrix(other.Updates[0].Delta()), Values.Matrix(adapter.Updates[0].Delta()), 1e-5);
        adapter.Dispose();
        Assert.True(start.IsInvalid);
    }

    [Fact]
    public void A_rank_beyond_that_of_the_weight_is_refused()
    {
        using var model = Model(ScalarType.Float32, In, Out);
        Assert.Contains("proj: rank: expected a value at most 9, the rank of the weight, for LoraInit.Pissa, found 10", Refusal(model, new LoraConfig { Rank = 10, Init = LoraInit.Pissa }), StringComparison.Ordinal);
        model.CreateAdapter(new LoraConfig { Rank = 9, Init = LoraInit.Pissa }).Dispose();
    }

    [Fact]
    public void Iterations_of_nothing_and_below_zero_are_refused()
    {
        using var model = Model(ScalarType.Float32, In, Out);
        Assert.Contains("PissaIterations: expected a number of at least 0, beside LoraInit.Pissa, found 4 without it", Refusal(model, new LoraConfig { PissaIterations = 4 }), StringComparison.Ordinal);
        Assert.Contains("found -1.", Refusal(model, new LoraConfig { PissaIterations = -1, Init = LoraInit.Pissa }), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Inits))]
    public void A_weight_that_is_not_finite_is_refused(LoraInit init)
    {
        using var model = Model(ScalarType.Float32, In, Out);
        using (no_grad())
        {
            model.state_dict()["proj.weight"].fill_(float.NaN);
        }

        Assert.StartsWith("proj: expected a finite weight to begin with", Refusal(model, new LoraConfig { Init = init }), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _scope.Dispose();
        GC.SuppressFinalize(this);
    }

    private TModel Known()
    {
        var model = Model(ScalarType.Float32, In, Out);
        _spectrum.WriteTo(model.state_dict()["proj.weight"], IsTransposed);
        return model;
    }

    private static string Refusal(TModel model, LoraConfig config) => Assert.Throws<LoraException>(() => model.CreateAdapter(config)).Message;

    // A step away from the start, no more.
    private static void Train(TAdapter adapter)
    {
        using var inference = no_grad();
        using var generator = new Generator(8, CPU);
        foreach (var parameter in adapter.parameters())
        {
            parameter.add_(randn(parameter.shape, generator: generator), alpha: 0.05);
        }
    }

    private static (double[,] A, double[,] B) Factors(TAdapter adapter) => (Values.Matrix(adapter.Updates[0].A), Values.Matrix(adapter.Updates[0].B));

    // [A; A0] and [B, -B0].
    private LoraLinear Reference(TModel model, (double[,] A, double[,] B) now, (double[,] A, double[,] B) start)
    {
        var bias = Values.Flat(model.state_dict()["proj.bias"]);
        return new LoraLinear(Weight(model), bias, Below(now.A, start.A), Matrices.Transpose(Below(Matrices.Transpose(now.B), Matrices.Map(Matrices.Transpose(start.B), value => -value))), Scale);
    }

    private double[,] Weight(TModel model)
    {
        var weight = Values.Matrix(model.state_dict()["proj.weight"]);
        return IsTransposed ? Matrices.Transpose(weight) : weight;
    }

    private static double[,] Below(double[,] upper, double[,] lower)
    {
        var result = new double[upper.GetLength(0) + lower.GetLength(0), upper.GetLength(1)];
        Buffer.BlockCopy(upper, 0, result, 0, upper.Length * sizeof(double));
        Buffer.BlockCopy(lower, 0, result, upper.Length * sizeof(double), lower.Length * sizeof(double));
        return result;
    }

    private static double[,] Rows(double[,] matrix, int count)
    {
        var result = new double[count, matrix.GetLength(1)];
        Buffer.BlockCopy(matrix, 0, result, 0, result.Length * sizeof(double));
        return result;
    }

    private static double[,] Times(double[,] b, double[,] a, double scale)
        => new LoraLinear(new double[b.GetLength(0), a.GetLength(1)], null, a, b, scale).MergedWeight();

    // Relative to the largest number.
    private static void AssertNear(double[,] expected, double[,] found, double tolerance)
    {
        var size = Math.Max(1, expected.Cast<double>().Max(Math.Abs));
        Assert.Equal((expected.GetLength(0), expected.GetLength(1)), (found.GetLength(0), found.GetLength(1)));
        Assert.All(expected.Cast<double>().Zip(found.Cast<double>()), pair => Assert.Equal(pair.First, pair.Second, tolerance * size));
    }
}
