using LoraGen.Tests.Models;
using LoraGen.Tests.ModulesToSave;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.MixedBatches;

/// <summary>A head and an embedding of each row's own: the output and the gradients are those of the row's adapter alone.</summary>
public sealed class MixedSavedModulesTests : IDisposable
{
    private const int Tokens = 3;

    private readonly IDisposable _scope = NewDisposeScope();

    public static TheoryData<MixedForm, int[]> Batches()
    {
        var data = new TheoryData<MixedForm, int[]>();
        foreach (var form in Enum.GetValues<MixedForm>())
        {
            // 0 and 1 own heads and an embedding, 2 is a plain adapter, 3 owns one projection of the head and adapts the other, -1 is the base.
            foreach (var rows in new int[][] { [0], [0, 0, 1, 1], [0, 1, 0, 1], [2, 0, -1, 2, 0], [3, 2, 1, 0, -1, 3] })
                data.Add(form, rows);
        }

        return data;
    }

    public void Dispose() => _scope.Dispose();

    [Theory]
    [MemberData(nameof(Batches))]
    public void Each_row_and_each_gradient_is_that_of_its_adapter_alone(MixedForm form, int[] rows)
    {
        using var model = new Classified(ScalarType.Float64);
        var adapters = Adapters(model);
        using var mixed = new MixedBatch<Classified.Adapter>(model, form) { Rows = [.. rows.Select(row => row < 0 ? null : adapters[row])] };
        var ids = tensor(Enumerable.Range(0, rows.Length * Tokens).Select(n => (long)(n * 5 % Classified.Ids)).ToArray()).view(rows.Length, Tokens);
        var upstream = Base.Input(rows.Length, Tokens, Classified.Labels).to_type(ScalarType.Float64);
        model.ActiveAdapter = mixed.Adapter;
        var found = model.call(ids);
        (found * upstream).sum().backward();
        var together = adapters.Select(adapter => adapter.parameters().Select(parameter => parameter.grad is { } gradient ? Values.Flat(gradient) : null).ToList()).ToList();

        for (var number = -1; number < adapters.Count; number++)
        {
            var own = Enumerable.Range(0, rows.Length).Where(row => rows[row] == number).Select(row => (long)row).ToArray();
            if (own.Length == 0)
                continue;
            model.ActiveAdapter = number < 0 ? null : adapters[number];
            var alone = model.call(ids.index_select(0, tensor(own)));
            AssertClose(Values.Flat(alone), Values.Flat(found.index_select(0, tensor(own))));
            if (number < 0)
                continue;
            adapters[number].zero_grad();
            (alone * upstream.index_select(0, tensor(own))).sum().backward();
            foreach (var (expected, gradient) in adapters[number].parameters().Zip(together[number]))
                AssertClose(Values.Flat(expected.grad!), gradient!);
        }

        Assert.All(model.parameters(), parameter => Assert.Null(parameter.grad));
        adapters.ForEach(adapter => adapter.Dispose());
    }

    // The sums of the head alone, in plain loops: what reaches it is the same for every row.
    [Fact]
    public void The_head_is_the_rows_own_weight_and_bias()
    {
        using var model = new ClassifiedHead(Classified.Width, Classified.Labels, ScalarType.Float64);
        var adapters = Enumerable.Range(1, 2).Select(seed => model.CreateAdapter(new LoraConfig { TargetModules = ["dense"], ModulesToSave = ["out_proj"] }).Filled((ulong)seed)).ToList();
        using (no_grad())
            adapters.ForEach(adapter => adapter.dense.B.zero_());
        using var mixed = new MixedBatch<ClassifiedHead.Adapter>(model) { Rows = [adapters[0], null, adapters[1], adapters[0]] };
        model.ActiveAdapter = mixed.Adapter;
        var x = Base.Input(4, Classified.Width).to_type(ScalarType.Float64);
        var found = Values.Matrix(model.call(x));
        var none = (new double[0, Classified.Width], new double[Classified.Labels, 0]);
        var hidden = new LoraLinear(Matrices.Transpose(Values.Matrix(model.get_parameter("dense.weight")!)), Values.Flat(model.get_parameter("dense.bias")!), new double[0, Classified.Width], new double[Classified.Width, 0], 0).Forward(Values.Matrix(x));
        foreach (var (row, owner) in new nn.Module[] { adapters[0], model, adapters[1], adapters[0] }.Index())
        {
            var expected = new LoraLinear(Values.Matrix(owner.get_parameter("out_proj.weight")!), Values.Flat(owner.get_parameter("out_proj.bias")!), none.Item1, none.Item2, 0).Forward(hidden);
            for (var label = 0; label < Classified.Labels; label++)
                Assert.Equal(expected[row, label], found[row, label], 1e-12);
        }

        adapters.ForEach(adapter => adapter.Dispose());
    }

    [Fact]
    public void A_frozen_head_over_a_bf16_base_keeps_its_copies()
    {
        using var model = new Classified(ScalarType.BFloat16);
        using var first = model.CreateAdapter(SavedBase.Config).Filled(seed: 1).Serving();
        using var second = model.CreateAdapter(SavedBase.Config).Filled(seed: 2).Serving();
        using var mixed = new MixedBatch<Classified.Adapter>(model) { Rows = [second, first] };
        using var inference = no_grad();
        var expected = new[] { second, first }.SelectMany((adapter, row) =>
        {
            model.ActiveAdapter = adapter;
            return Values.Flat(model.call(SavedBase.Ids()[row..(row + 1)]));
        }).ToList();
        model.ActiveAdapter = mixed.Adapter;
        Assert.All(expected.Zip(Values.Flat(model.call(SavedBase.Ids()))), pair => Assert.Equal(pair.First, pair.Second, 0.02 * (1 + Math.Abs(pair.First))));
        using var inner = NewDisposeScope();
        var live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        model.call(SavedBase.Ids()).Dispose();
        inner.DisposeEverything();
        Assert.Equal(live, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void A_head_of_another_width_is_refused_by_name()
    {
        using var model = new Classified();
        using var wider = new Classified(labels: Classified.Labels + 3);
        using var adapter = wider.CreateAdapter(SavedBase.Config);
        using var mixed = new MixedBatch<Classified.Adapter>(model);
        var refusal = Assert.Throws<LoraException>(() => mixed.Rows = [null, adapter]);
        Assert.Contains($"classifier.out_proj: out_features: expected {Classified.Labels} as in the base, found {Classified.Labels + 3}", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(mixed.Rows);
    }

    private static List<Classified.Adapter> Adapters(Classified model)
    {
        var adapters = new[]
        {
            SavedBase.Config,
            SavedBase.Config,
            new LoraConfig { TargetModules = ["wte", "dense", "out_proj"], Rank = 3 },
            new LoraConfig { TargetModules = ["dense"], ModulesToSave = ["out_proj"], Rank = 1 },
        }.Select((config, number) => model.CreateAdapter(config).Filled((ulong)number)).ToList();
        adapters.ForEach(adapter => adapter.to(ScalarType.Float64));
        return adapters;
    }

    private static void AssertClose(double[] expected, double[] found)
    {
        Assert.Equal(expected.Length, found.Length);
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-11 * (1 + Math.Abs(pair.First))));
    }
}
