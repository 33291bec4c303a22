using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.MixedBatches;

/// <summary>Every row of a mixed batch against its own adapter's formula, row by row, in plain loops and float64.</summary>
public sealed class MixedForwardTests
{
    private const int In = 6;
    private const int Out = 5;

    public static TheoryData<MixedForm, string, int[], int> Batches()
    {
        var data = new TheoryData<MixedForm, string, int[], int>();
        foreach (var form in Enum.GetValues<MixedForm>())
        {
            foreach (var kind in new[] { "Linear", "Conv1D", "Embedding" })
            {
                // -1 is no adapter. Alone, none at all, contiguous, interleaved, in another order; one token and several.
                foreach (var rows in new int[][] { [0], [-1], [1, 1, 1], [-1, 0, 0, 2], [0, 1, 0, 2, -1, 1, 0], [2, 1, 0, -1] })
                {
                    data.Add(form, kind, rows, 1);
                    data.Add(form, kind, rows, 3);
                }
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Batches))]
    public void Each_row_is_that_of_its_adapter(MixedForm form, string kind, int[] rows, int tokens)
    {
        using var model = Model(kind);
        switch (model)
        {
            case OneTarget linear: Check(linear, adapter => adapter.proj); break;
            case OneConv1D conv1D: Check(conv1D, adapter => adapter.proj); break;
            case OneEmbedding embedding: Check(embedding, adapter => adapter.proj); break;
        }

        void Check<TAdapter>(ILoraModel<TAdapter> lora, Func<TAdapter, LowRankUpdate> update)
            where TAdapter : LoraAdapter
        {
            var adapters = new[] { new LoraConfig { Rank = 1 }, new LoraConfig { Rank = 8, UseRslora = true }, new LoraConfig { Rank = 3 } }
                .Select((config, number) => lora.CreateAdapter(config).Trained(seed: (ulong)number)).ToList();
            using var mixed = new MixedBatch<TAdapter>(lora, form);
            mixed.Rows = [.. rows.Select(row => row < 0 ? null : adapters[row])];
            lora.ActiveAdapter = mixed.Adapter;
            var (x, dense) = Input(kind, rows.Length, tokens);

            var y = model.call(x);

            Assert.Equal([rows.Length, tokens, Out], y.shape);
            var weight = Values.Matrix(model.get_parameter("proj.weight")!);
            var bias = model.get_parameter("proj.bias") is { } parameter ? Values.Flat(parameter) : null;
            var (found, input) = (Values.Matrix(y), dense);
            for (var n = 0; n < rows.Length * tokens; n++)
            {
                var own = rows[n / tokens] < 0 ? null : update(adapters[rows[n / tokens]]);
                var reference = new LoraLinear(
                    kind == "Linear" ? weight : Matrices.Transpose(weight), bias, own is null ? new double[0, In] : Values.Matrix(own.A), own is null ? new double[Out, 0] : Values.Matrix(own.B), own?.Scale.Factor ?? 0);
                var expected = reference.Forward(Row(input, n));
                for (var o = 0; o < Out; o++)
                    Assert.Equal(expected[0, o], found[n, o], 1e-13);
            }

            foreach (var adapter in adapters)
                adapter.Dispose();
            x.Dispose();
            y.Dispose();
        }
    }

    // A bf16 base with frozen adapters keeps copies; what a row gets is what its adapter gives it alone.
    [Theory]
    [InlineData(MixedForm.Loop, ScalarType.Float32, 1e-6)]
    [InlineData(MixedForm.Mask, ScalarType.Float32, 1e-6)]
    [InlineData(MixedForm.Auto, ScalarType.Float32, 1e-6)]
    [InlineData(MixedForm.Loop, ScalarType.BFloat16, 0.05)]
    [InlineData(MixedForm.Mask, ScalarType.BFloat16, 0.05)]
    [InlineData(MixedForm.Auto, ScalarType.BFloat16, 0.05)]
    public void A_whole_model_gives_each_row_what_its_adapter_gives_it_alone(MixedForm form, ScalarType dtype, double tolerance)
    {
        random.manual_seed(7); // Else the base, and with it the rounding in bf16, is another in each run.
        using var model = new Tower();
        model.to(dtype);
        using var first = model.CreateAdapter(new LoraConfig { TargetModules = ["up", "lm_head"], Rank = 4 }).Trained(seed: 1).Serving();
        using var second = model.CreateAdapter().Trained(seed: 2).Serving();
        using var mixed = new MixedBatch<Tower.Adapter>(model, form);
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        Tower.Adapter?[] rows = [first, second, null, first, second];
        mixed.Rows = rows;
        foreach (var tokens in new[] { 2, 1, 1, 3 })
        {
            var x = Base.Input(5, tokens, Tower.Width).to_type(dtype);
            model.ActiveAdapter = mixed.Adapter;
            var found = model.call(x);
            for (var row = 0; row < rows.Length; row++)
            {
                model.ActiveAdapter = rows[row];
                var (alone, together) = (Values.Flat(model.call(x[row..(row + 1)])), Values.Flat(found[row]));

                // Both forms round on the way, where the values are as large as the largest of the result.
                var largest = alone.Max(Math.Abs);
                TestContext.Current.TestOutputHelper?.WriteLine($"{alone.Zip(together).Max(pair => Math.Abs(pair.First - pair.Second)) / (1 + largest)}");
                Assert.All(alone.Zip(together), pair => Assert.Equal(pair.First, pair.Second, tolerance * (1 + largest)));
            }
        }
    }

    [Theory]
    [InlineData(MixedForm.Loop)]
    [InlineData(MixedForm.Mask)]
    [InlineData(MixedForm.Auto)]
    public void Rows_can_be_assigned_again_while_the_adapter_is_active(MixedForm form)
    {
        using var model = new OneTarget(In, Out, dtype: ScalarType.Float64);
        using var first = model.CreateAdapter().Trained(seed: 1);
        using var second = model.CreateAdapter(new LoraConfig { Rank = 1 }).Trained(seed: 2);
        using var mixed = new MixedBatch<OneTarget.Adapter>(model, form);
        using var scope = NewDisposeScope();
        var x = Base.Input(3, In).to_type(ScalarType.Float64);
        var both = new[] { first, second }.Select(adapter =>
        {
            model.ActiveAdapter = adapter;
            return model.call(x);
        }).ToList();
        model.ActiveAdapter = mixed.Adapter;
        foreach (var order in new int[][] { [0, 1, 0], [1, 0, 1], [1, 1, 1], [0, 1, 0] })
        {
            mixed.Rows = [.. order.Select(number => number == 0 ? first : second)];
            Assert.Equal([.. order.SelectMany((number, row) => Values.Flat(both[number][row]))], Values.Flat(model.call(x)), (a, b) => Math.Abs(a - b) < 1e-13);
        }
    }

    // The loop computes with each adapter's own dropout; the mask cannot, and leaves such a projection to the loop.
    [Fact]
    public void Dropout_in_training_is_each_adapters_own()
    {
        using var scope = NewDisposeScope();
        var x = ones(400, In);
        using var model = new OneTarget(In, Out, bias: false);
        using var first = model.CreateAdapter(new LoraConfig { Dropout = 0.5 }).Trained(seed: 1);
        using var second = model.CreateAdapter().Trained(seed: 2);
        var rows = Enumerable.Range(0, 400).Select(row => row < 200 ? first : second).ToArray();
        foreach (var form in Enum.GetValues<MixedForm>())
        {
            using var mixed = new MixedBatch<OneTarget.Adapter>(model, form) { Rows = rows };
            model.ActiveAdapter = mixed.Adapter;
            model.train();
            var dropped = Values.Matrix(model.call(x));
            model.eval();
            var whole = Values.Matrix(model.call(x));
            Assert.Equal(64, Enumerable.Range(0, 200).Select(row => Math.Round(dropped[row, 0], 4)).Distinct().Count(), 8.0); // 2^6 subsets of the inputs.
            Assert.All(Enumerable.Range(200, 200), row => Assert.Equal(whole[row, 0], dropped[row, 0], 1e-6));
        }
    }

    private static Module<Tensor, Tensor> Model(string kind)
    {
        switch (kind)
        {
            case "Linear": return new OneTarget(In, Out, dtype: ScalarType.Float64);
            case "Conv1D": return new OneConv1D(In, Out, ScalarType.Float64);
            default:
                var embedding = new OneEmbedding(In, Out, ScalarType.Float64);
                embedding.eval();
                return embedding;
        }
    }

    // An id is the row of the unit matrix that picks its column.
    private static (Tensor X, double[,] Dense) Input(string kind, int rows, int tokens)
    {
        if (kind != "Embedding")
        {
            var x = Base.Input(rows, tokens, In).to_type(ScalarType.Float64);
            return (x, Values.Matrix(x));
        }

        var ids = Enumerable.Range(0, rows * tokens).Select(n => (long)(n * 5 % In)).ToArray();
        var dense = new double[ids.Length, In];
        for (var n = 0; n < ids.Length; n++)
            dense[n, ids[n]] = 1;
        return (tensor(ids).view(rows, tokens), dense);
    }

    private static double[,] Row(double[,] matrix, int row)
    {
        var result = new double[1, matrix.GetLength(1)];
        for (var j = 0; j < matrix.GetLength(1); j++)
            result[0, j] = matrix[row, j];
        return result;
    }
}
