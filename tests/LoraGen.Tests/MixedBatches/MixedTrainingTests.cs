using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.MixedBatches;

/// <summary>The gradients of each adapter in a mixed batch against those of its own rows alone.</summary>
public sealed class MixedTrainingTests
{
    [Theory]
    [InlineData(MixedForm.Loop, new[] { 0, 1, 0, -1, 1, 0 })]
    [InlineData(MixedForm.Mask, new[] { 0, 1, 0, -1, 1, 0 })]
    [InlineData(MixedForm.Auto, new[] { 0, 1, 0, -1, 1, 0 })]
    [InlineData(MixedForm.Loop, new[] { 0, 0, 0, 1, 1, -1 })]
    [InlineData(MixedForm.Mask, new[] { 0, 0, 0, 1, 1, -1 })]
    [InlineData(MixedForm.Auto, new[] { 0, 0, 0, 1, 1, -1 })]
    public void One_projection_has_the_gradients_of_the_formula(MixedForm form, int[] rows)
    {
        using var scope = NewDisposeScope();
        using var model = new OneTarget(6, 5, dtype: ScalarType.Float64);
        var adapters = new[] { 2, 3 }.Select(rank => model.CreateAdapter(new LoraConfig { Rank = rank }).Trained(seed: (ulong)rank)).ToList();
        adapters.ForEach(adapter => adapter.to(ScalarType.Float64));
        using var mixed = new MixedBatch<OneTarget.Adapter>(model, form) { Rows = [.. rows.Select(row => row < 0 ? null : adapters[row])] };
        var x = Base.Input(6, 2, 6).to_type(ScalarType.Float64).requires_grad_();
        var upstream = Base.Input(6, 2, 5).to_type(ScalarType.Float64);

        model.ActiveAdapter = mixed.Adapter;
        (model.call(x) * upstream).sum().backward();

        var (input, dy, dx) = (Values.Matrix(x), Values.Matrix(upstream), Values.Matrix(x.grad!));
        for (var number = -1; number < adapters.Count; number++)
        {
            var own = Enumerable.Range(0, 12).Where(n => rows[n / 2] == number).ToArray();
            var update = number < 0 ? null : adapters[number].proj;
            var reference = new LoraLinear(
                Values.Matrix(model.get_parameter("proj.weight")!), null,
                update is null ? new double[0, 6] : Values.Matrix(update.A), update is null ? new double[5, 0] : Values.Matrix(update.B), update?.Scale.Factor ?? 0);
            var expected = reference.Gradients(Rows(input, own), Rows(dy, own));
            AssertClose(expected.X, Rows(dx, own));
            if (update is not null)
            {
                AssertClose(expected.A, Values.Matrix(update.A.grad!));
                AssertClose(expected.B, Values.Matrix(update.B.grad!));
            }
        }

        Assert.All(model.parameters(), parameter => Assert.Null(parameter.grad));
        adapters.ForEach(adapter => adapter.Dispose());
    }

    [Theory]
    [InlineData(MixedForm.Loop)]
    [InlineData(MixedForm.Mask)]
    [InlineData(MixedForm.Auto)]
    public void A_whole_model_trains_each_adapter_as_alone(MixedForm form)
    {
        using var scope = NewDisposeScope();
        using var model = new Tower();
        model.to(ScalarType.Float64);
        using var first = model.CreateAdapter(new LoraConfig { TargetModules = ["up", "lm_head"], Rank = 4 }).Trained(seed: 1);
        using var second = model.CreateAdapter().Trained(seed: 2);
        Tower.Adapter?[] rows = [first, second, null, first, second];
        using var mixed = new MixedBatch<Tower.Adapter>(model, form) { Rows = rows };
        var x = Base.Input(5, 3, Tower.Width).to_type(ScalarType.Float64);
        var upstream = Base.Input(5, 3, Tower.Outputs).to_type(ScalarType.Float64);

        // A call that records nothing comes first: what it keeps must not hinder the next.
        model.ActiveAdapter = mixed.Adapter;
        using (inference_mode())
            model.call(x);
        (model.call(x) * upstream).sum().backward();

        foreach (var adapter in new[] { first, second })
        {
            var together = adapter.parameters().Select(parameter => Values.Matrix(parameter.grad!)).ToList();
            adapter.zero_grad();
            var own = tensor(Enumerable.Range(0, 5).Where(row => rows[row] == adapter).Select(row => (long)row).ToArray());
            model.ActiveAdapter = adapter;
            (model.call(x.index_select(0, own)) * upstream.index_select(0, own)).sum().backward();
            Assert.All(together.Zip(adapter.parameters()), pair => AssertClose(Values.Matrix(pair.Second.grad!), pair.First, 1e-6));
        }
    }

    [Fact]
    public void No_native_tensor_is_left_behind()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        using var x = Base.Input(4, Tower.Width);
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        foreach (var form in Enum.GetValues<MixedForm>())
        {
            using var mixed = new MixedBatch<Tower.Adapter>(model, form);
            model.ActiveAdapter = mixed.Adapter;
            for (var i = 0; i < 3; i++)
            {
                mixed.Rows = [adapter, null, adapter, i == 1 ? null : adapter];
                model.call(x).Dispose();
            }

            model.ActiveAdapter = null;
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static double[,] Rows(double[,] matrix, int[] rows)
    {
        var result = new double[rows.Length, matrix.GetLength(1)];
        for (var i = 0; i < rows.Length; i++)
        {
            for (var j = 0; j < matrix.GetLength(1); j++)
                result[i, j] = matrix[rows[i], j];
        }

        return result;
    }

    private static void AssertClose(double[,] expected, double[,] found, double tolerance = 1e-12)
        => Assert.All(expected.Cast<double>().Zip(found.Cast<double>()), pair => Assert.Equal(pair.First, pair.Second, tolerance * (1 + Math.Abs(pair.First))));
}
