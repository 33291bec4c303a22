using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Initialisation;

/// <summary>LoftQ by an independent quantiser and an independent decomposition, in float64.</summary>
public sealed class LoftqTests : IDisposable
{
    private const int In = 14;
    private const int Out = 9; // 126 numbers: the last block is shorter.

    private static readonly LoraScale Scale = new(3, 12, UseRslora: false);

    private readonly IDisposable _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    public static MatrixTheoryData<int, int> BitsAndIterations { get; } = new([2, 4, 8], [1, 2, 5]);

    [Fact]
    public void The_reference_has_the_papers_levels()
        => Assert.All(NormalFloatQuantizer.Printed.Zip(NormalFloatQuantizer.Levels(4)), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-6));

    [Theory]
    [MemberData(nameof(BitsAndIterations))]
    public void Q_is_the_quantised_rest_and_s_B_A_the_best_of_what_it_lacks(int bits, int iterations)
    {
        var weight = Weight();
        var (q, product) = Reference(Values.Matrix(weight), bits, iterations);

        var parts = Loftq.Decompose(weight, Scale, bits, iterations);

        AssertNear(q, parts.Quantized, 1e-10);
        AssertNear(product, parts.B.mm(parts.A) * Scale.Factor, 1e-9);
        for (var k = 0; k < Scale.Rank; k++)
            Assert.Equal(parts.A[k].norm().item<double>(), parts.B.select(1, k).norm().item<double>(), tolerance: 1e-9);
    }

    [Theory]
    [MemberData(nameof(BitsAndIterations))]
    public void Q_and_the_adapter_together_are_nearer_to_the_weight_than_Q(int bits, int iterations)
    {
        var weight = Weight().to_type(ScalarType.BFloat16);
        var parts = Loftq.Decompose(weight, Scale, bits, iterations);
        var (wide, nearest) = (weight.to_type(ScalarType.Float32), Loftq.Decompose(weight, Scale, bits).Quantized);
        var lost = (wide - nearest).norm().item<float>();
        Assert.Equal(ScalarType.Float32, parts.A.dtype);
        Assert.InRange((wide - parts.Quantized - (parts.B.mm(parts.A) * Scale.Factor)).norm().item<float>(), 0, 0.9 * lost);
    }

    // So that what a quantised base holds can be stored in the format as it is.
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void What_is_quantised_is_its_own_nearest(int bits)
    {
        var quantized = Loftq.Decompose(Weight().to_type(ScalarType.Float32), Scale, bits, iterations: 2).Quantized;
        Assert.Equal(Base.Bytes(quantized), Base.Bytes(Loftq.Decompose(quantized, Scale, bits).Quantized));
    }

    [Fact]
    public void A_block_of_zeros_stays_one()
    {
        var weight = cat([zeros(1, 64, dtype: ScalarType.Float64), randn(3, 64, dtype: ScalarType.Float64)]);
        Assert.All(Values.Flat(Loftq.Decompose(weight, new LoraScale(1, 1, false)).Quantized[0]), value => Assert.Equal(0, value));
    }

    [Theory]
    [InlineData(null, null, 4, 1)]
    [InlineData(2, 3, 2, 3)]
    [InlineData(8, null, 8, 1)]
    public void A_new_adapter_begins_with_these_A_and_B_over_the_untouched_base(int? bits, int? iterations, int expectedBits, int expectedIterations)
    {
        var weight = Weight();
        using var linear = new OneTarget(In, Out, dtype: ScalarType.Float64);
        using var conv1D = new OneConv1D(In, Out, ScalarType.Float64);
        using (no_grad())
        {
            linear.state_dict()["proj.weight"].copy_(weight);
            conv1D.state_dict()["proj.weight"].copy_(weight.t());
        }

        var config = new LoraConfig { Init = LoraInit.Loftq, LoftqBits = bits, LoftqIterations = iterations };
        using var first = linear.CreateAdapter(config);
        using var second = conv1D.CreateAdapter(config);
        var (_, product) = Reference(Values.Matrix(weight), expectedBits, expectedIterations);
        Assert.All<LowRankUpdate>([first.proj, second.proj], update =>
        {
            AssertNear(product, update.B.mm(update.A) * Scale.Factor, 1e-5);
            Assert.All(Values.Flat(update.Delta()), value => Assert.Equal(0, value));
        });
        AssertNear(Values.Matrix(weight), linear.state_dict()["proj.weight"], 0);
    }

    // Q in the base, A and B in a plain adapter of rank r, which PEFT reads as it reads any.
    [Theory]
    [InlineData(ScalarType.Float32, 1)]
    [InlineData(ScalarType.Float32, 3)]
    [InlineData(ScalarType.BFloat16, 2)]
    public void A_quantised_base_gets_the_plain_adapter_that_belongs_to_it(ScalarType dtype, int iterations)
    {
        using var folder = new Files.ScratchFolder();
        using var model = new OneTarget(In, Out, dtype: dtype);
        var weight = model.state_dict()["proj.weight"];
        var before = Values.Matrix(weight);
        var parts = Loftq.Decompose(weight, Scale, bits: 2, iterations);
        using var old = model.CreateAdapter();

        var (adapter, errors) = model.QuantizeAndCreateAdapter(new LoraConfig { LoftqBits = 2, LoftqIterations = iterations });
        using var owned = adapter;

        Assert.Equal(Base.Bytes(parts.Quantized.to_type(dtype)), Base.Bytes(weight));
        Assert.Equal(Base.Bytes(parts.A), Base.Bytes(adapter.proj.A));
        Assert.Equal(Base.Bytes(parts.B), Base.Bytes(adapter.proj.B));
        var quantized = Values.Matrix(weight);
        Assert.Equal(Norm(Matrices.Zip(before, quantized, (w, q) => w - q)), errors[0].Norm, tolerance: 1e-6);
        model.Merge(adapter);
        Assert.Equal(Norm(Matrices.Zip(before, Values.Matrix(weight), (w, q) => w - q)), errors[0].Lost, tolerance: dtype == ScalarType.Float32 ? 1e-5 : 0.02);
        Assert.InRange(errors[0].Lost, 0, 0.9 * errors[0].Norm);
        model.Unmerge();

        adapter.Save(folder.Path);
        var config = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(folder.PathOf("adapter_config.json")))!;
        Assert.Equal((3, 12.0), (config["r"]!.GetValue<int>(), config["lora_alpha"]!.GetValue<double>()));
        Assert.Equal(["proj.lora_A.weight", "proj.lora_B.weight"], adapter.state_dict().Keys);
        using var loaded = OneTarget.Adapter.Load(folder.Path, model);
        model.ActiveAdapter = loaded;
        Assert.Contains("made for a base of other weights", Assert.Throws<LoraException>(() => model.ActiveAdapter = old).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_Conv1D_and_DoRA_are_quantised_by_what_they_compute()
    {
        using var linear = new OneTarget(In, Out);
        using var conv1D = new OneConv1D(In, Out, ScalarType.Float32);
        using (no_grad())
        {
            conv1D.state_dict()["proj.weight"].copy_(linear.state_dict()["proj.weight"].t());
        }

        using var first = linear.QuantizeAndCreateAdapter(new LoraConfig { UseDora = true }).Adapter;
        using var second = conv1D.QuantizeAndCreateAdapter().Adapter;
        AssertNear(Values.Matrix(linear.state_dict()["proj.weight"]), conv1D.state_dict()["proj.weight"].t(), 1e-6);
        var adapted = Values.Matrix(linear.state_dict()["proj.weight"] + second.proj.Delta().t());
        Assert.All(Values.Flat(first.proj.Magnitude!), (norm, o) => Assert.Equal(DoraLinear.Norm(adapted, o), norm, tolerance: 1e-5));
    }

    [Fact]
    public void A_base_is_quantised_alone_and_for_this_start_alone()
    {
        using var model = new OneTarget(In, Out);
        var before = Base.Bytes(model);
        Assert.Contains("expected nothing or Loftq for QuantizeAndCreateAdapter, found Pissa", Refusal(new LoraConfig { Init = LoraInit.Pissa }), StringComparison.Ordinal);
        Assert.Contains("rank: expected a value at most 9", Refusal(new LoraConfig { Rank = 10 }), StringComparison.Ordinal);
        using var adapter = model.CreateAdapter();
        model.ActiveAdapter = adapter;
        Assert.Contains("expected the base alone, found an active adapter", Refusal(new LoraConfig()), StringComparison.Ordinal);
        Assert.Equal(before, Base.Bytes(model));

        string Refusal(LoraConfig config) => Assert.Throws<LoraException>(() => model.QuantizeAndCreateAdapter(config)).Message;
    }

    [Fact]
    public void Options_out_of_their_range_or_of_no_use_are_refused()
    {
        using var model = new OneTarget(In, Out);
        Assert.Contains("LoftqBits: expected 2, 4 or 8, beside LoraInit.Loftq, found 3.", Refusal(new LoraConfig { Init = LoraInit.Loftq, LoftqBits = 3 }), StringComparison.Ordinal);
        Assert.Contains("LoftqIterations: expected a number of at least 1, beside LoraInit.Loftq, found 0.", Refusal(new LoraConfig { Init = LoraInit.Loftq, LoftqIterations = 0 }), StringComparison.Ordinal);
        Assert.Contains("LoftqBits: expected 2, 4 or 8, beside LoraInit.Loftq, found 4 without it, so that it would mean nothing", Refusal(new LoraConfig { LoftqBits = 4 }), StringComparison.Ordinal);
        Assert.Contains("proj: rank: expected a value at most 9, the rank of the weight, for LoraInit.Loftq, found 10", Refusal(new LoraConfig { Init = LoraInit.Loftq, Rank = 10 }), StringComparison.Ordinal);

        string Refusal(LoraConfig config) => Assert.Throws<LoraException>(() => model.CreateAdapter(config)).Message;
    }

    [Fact]
    public void Decompose_refuses_what_it_cannot_take_apart()
    {
        var weight = Weight();
        Assert.Throws<ArgumentOutOfRangeException>(() => Loftq.Decompose(weight, Scale, bits: 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => Loftq.Decompose(weight, Scale, iterations: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Loftq.Decompose(weight, Scale with { Rank = 10 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Loftq.Decompose(weight, Scale with { Alpha = 0 }));
        Assert.Contains("found Float64 [126]", Assert.Throws<LoraException>(() => Loftq.Decompose(weight.view(-1), Scale)).Message, StringComparison.Ordinal);
        Assert.Contains("found Float64 [9, 14] with NaN or infinity", Assert.Throws<LoraException>(() => Loftq.Decompose(weight / 0, Scale)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_but_the_parts_is_left()
    {
        var weight = Weight();
        var live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        var parts = Loftq.Decompose(weight, Scale, iterations: 3);
        parts.Quantized.Dispose();
        parts.A.Dispose();
        parts.B.Dispose();
        Assert.Equal(live, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static Tensor Weight() => Base.Input(Out, In).to_type(ScalarType.Float64);

    private static (double[,] Quantized, double[,] Product) Reference(double[,] weight, int bits, int iterations)
    {
        var (quantized, product) = (weight, new double[Out, In]);
        for (var i = 0; i < iterations; i++)
        {
            quantized = NormalFloatQuantizer.Rounded(Matrices.Zip(weight, product, (w, p) => w - p), bits);
            product = JacobiSvd.Truncate(Matrices.Zip(weight, quantized, (w, q) => w - q), Scale.Rank).Approximation;
        }

        return (quantized, product);
    }

    private static double Norm(double[,] matrix) => Math.Sqrt(matrix.Cast<double>().Sum(value => value * value));

    private static void AssertNear(double[,] expected, Tensor found, double tolerance)
        => Assert.All(expected.Cast<double>().Zip(Values.Flat(found)), pair => Assert.Equal(pair.First, pair.Second, tolerance));

    [Theory]
    [InlineData(LoraInit.Loftq)]
    [InlineData(LoraInit.Pissa)]
    public void A_start_that_would_never_train_is_refused(LoraInit init)
    {
        using var model = new OneTarget(8, 6);
        using (no_grad())
            model.get_parameter("proj.weight")!.zero_();
        Assert.Contains("proj: expected a weight that something can be taken out of", Assert.Throws<LoraException>(() => model.CreateAdapter(new LoraConfig { Rank = 2, Init = init })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_base_that_is_quantised_is_not_quantised_again()
    {
        using var model = new OneTarget(8, 6);
        using var first = model.QuantizeAndCreateAdapter(new LoraConfig { Rank = 2 }).Adapter;
        var before = Base.Bytes(model);
        Assert.Contains("quantised already", Assert.Throws<LoraException>(() => model.QuantizeAndCreateAdapter(new LoraConfig { Rank = 2 })).Message, StringComparison.Ordinal);
        Assert.Equal(before, Base.Bytes(model));
    }

    [Fact]
    public void A_weight_that_is_anothers_too_is_not_quantised()
    {
        using var model = new Gpt(tied: true);
        var before = Base.Bytes(model);
        Assert.Contains("lm_head: expected a weight of its own", Assert.Throws<LoraException>(() => model.QuantizeAndCreateAdapter(new LoraConfig { Rank = 2, TargetModules = ["lm_head"] })).Message, StringComparison.Ordinal);
        Assert.Equal(before, Base.Bytes(model));
    }
}
