using LoraGen.Tests.Models;
using LoraGen.Tests.ModulesToSave;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.MixedBatches;

/// <summary>DoRA, starts out of the base and slices, beside plain adapters in one batch: each row and each gradient as alone.</summary>
public sealed class MixedVariantsTests
{
    [Theory]
    [InlineData(MixedForm.Loop)]
    [InlineData(MixedForm.Mask)]
    [InlineData(MixedForm.Auto)]
    public void DoRA_and_a_start_out_of_the_base_beside_a_plain_adapter(MixedForm form)
    {
        using var model = new Tower();
        model.to(ScalarType.Float64);
        AsAlone(model, form, Tower.Width, [new LoraConfig { UseDora = true }, new LoraConfig { Init = LoraInit.Pissa, Rank = 2 }, new LoraConfig()]);
    }

    [Theory]
    [InlineData(MixedForm.Loop)]
    [InlineData(MixedForm.Mask)]
    [InlineData(MixedForm.Auto)]
    public void DoRA_without_a_bias(MixedForm form)
    {
        using var model = new OneTarget(4, 5, bias: false, dtype: ScalarType.Float64);
        AsAlone(model, form, 4, [new LoraConfig { UseDora = true }, new LoraConfig { UseDora = true, Rank = 1 }]);
    }

    [Theory]
    [InlineData(MixedForm.Loop)]
    [InlineData(MixedForm.Mask)]
    [InlineData(MixedForm.Auto)]
    public void Slices_of_a_fused_projection(MixedForm form)
    {
        using var model = new OneFused(4, 6, dtype: ScalarType.Float64);
        AsAlone(model, form, 4, [new LoraConfig { Rank = 2 }, new LoraConfig { Rank = 1 }]);
    }

    [Theory]
    [InlineData(MixedForm.Loop)]
    [InlineData(MixedForm.Mask)]
    [InlineData(MixedForm.Auto)]
    public void Biases_of_the_adapters_own_and_of_B(MixedForm form)
    {
        using var model = new Tower();
        model.to(ScalarType.Float64);
        AsAlone(model, form, Tower.Width, [new LoraConfig { Bias = TrainedBiases.LoraOnly, UseDora = true }, new LoraConfig { Bias = TrainedBiases.LoraOnly }, new LoraConfig { LoraBias = true }]);
    }

    // One adapter owns biases where another owns nothing, and the second of an embedding's rows those of other tokens.
    [Theory]
    [InlineData(MixedForm.Loop)]
    [InlineData(MixedForm.Mask)]
    [InlineData(MixedForm.Auto)]
    public void Rows_of_an_embedding_of_the_adapters_own(MixedForm form)
    {
        using var scope = NewDisposeScope();
        using var model = new Gpt();
        model.to(ScalarType.Float64);
        using var first = model.CreateAdapter(new LoraConfig { TrainableTokenIndices = [5, 1], Bias = TrainedBiases.LoraOnly }).Filled(seed: 1);
        using var second = model.CreateAdapter(new LoraConfig { TargetModules = [], TrainableTokenIndices = [1, 2, 6] }).Filled(seed: 2);
        Gpt.Adapter?[] rows = [second, first, null, second];
        using var mixed = new MixedBatch<Gpt.Adapter>(model, form) { Rows = rows };
        var ids = tensor(new long[,] { { 0, 1, 2, 5 }, { 5, 1, 1, 3 }, { 1, 2, 5, 6 }, { 6, 6, 4, 1 } });
        model.ActiveAdapter = mixed.Adapter;
        var found = model.call(ids);
        for (var row = 0; row < rows.Length; row++)
        {
            model.ActiveAdapter = rows[row];
            AssertClose(Values.Flat(model.call(ids.narrow(0, row, 1))), Values.Flat(found.narrow(0, row, 1)), 1e-12);
        }

        model.ActiveAdapter = null;
    }

    private static void AsAlone<TAdapter>(ILoraModel<TAdapter> model, MixedForm form, int width, LoraConfig[] configs)
        where TAdapter : LoraAdapter
    {
        using var scope = NewDisposeScope();
        var module = (nn.Module<Tensor, Tensor>)model;
        var adapters = configs.Select((config, number) => model.CreateAdapter(config).Filled(seed: (ulong)number)).ToList();
        foreach (var order in new int[][] { [0, 1, 1, 0, -1], [0, 0, 1, 1, 1] })
        {
            var numbers = configs.Length > 2 ? [.. order, 2] : order;
            using var mixed = new MixedBatch<TAdapter>(model, form) { Rows = [.. numbers.Select(number => number < 0 ? null : adapters[number])] };
            var x = Base.Input(numbers.Length, 2, width).to_type(ScalarType.Float64);
            model.ActiveAdapter = mixed.Adapter;
            var found = module.call(x);
            var upstream = Base.Input(found.shape).to_type(ScalarType.Float64);
            (found * upstream).sum().backward();
            for (var number = 0; number < adapters.Count; number++)
            {
                var rows = Enumerable.Range(0, numbers.Length).Where(row => numbers[row] == number).Select(row => (long)row).ToArray();
                var together = adapters[number].parameters().Select(parameter => parameter.grad is { } gradient ? Values.Flat(gradient) : []).ToList();
                adapters[number].zero_grad();
                if (rows.Length == 0)
                    continue;
                model.ActiveAdapter = adapters[number];
                var alone = module.call(x.index_select(0, tensor(rows)));
                AssertClose(Values.Flat(alone), Values.Flat(found.index_select(0, tensor(rows))), 1e-12);
                (alone * upstream.index_select(0, tensor(rows))).sum().backward();
                foreach (var (expected, gradient) in adapters[number].parameters().Zip(together))
                    AssertClose(Values.Flat(expected.grad!), gradient, 1e-6);
                adapters[number].zero_grad();
            }
        }

        model.ActiveAdapter = null;
        adapters.ForEach(adapter => adapter.Dispose());
    }

    private static void AssertClose(double[] expected, double[] found, double tolerance)
    {
        Assert.Equal(expected.Length, found.Length);
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, tolerance * (1 + Math.Abs(pair.First))));
    }
}
