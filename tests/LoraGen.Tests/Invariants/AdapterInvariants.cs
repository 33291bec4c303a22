using LoraGen.Tests.Combining;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Invariants;

/// <summary>What PEFT's tests hold of several adapters over one base (tests/testing_common.py, test_custom_models.py).</summary>
public sealed class AdapterInvariants : IDisposable
{
    private readonly IDisposable _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    // PEFT: within 1e-6, and what was merged is unmerged by the way, which is not exact there.
    [Fact]
    public void I15_Without_an_adapter_the_output_is_the_bases_bit_for_bit_before_and_after_a_merge_and_it_comes_back_with_it()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        var x = Base.Input(1, Tower.Width);
        var (alone, expected) = (Base.Bytes(model.call(x)), new TowerReference(model, adapter).Forward(Values.Flat(x)));
        for (var round = 0; round < 2; round++)
        {
            model.ActiveAdapter = adapter;
            Assert.All(expected.Zip(Values.Flat(model.call(x))), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * (1 + Math.Abs(pair.First))));
            model.ActiveAdapter = null;
            Assert.Equal(alone, Base.Bytes(model.call(x)));
            model.Merge(adapter);
            Assert.NotEqual(alone, Base.Bytes(model.call(x)));
            model.Unmerge();
            Assert.Equal(alone, Base.Bytes(model.call(x)));
        }
    }

    // PEFT refuses a mixed batch in training and with DoRA. Here both are the sum of what each row's adapter does alone.
    [Theory]
    [InlineData(MixedForm.Loop)]
    [InlineData(MixedForm.Mask)]
    public void I20_The_rows_of_a_mixed_batch_equal_each_adapter_alone_in_training_and_with_DoRA_too(MixedForm form)
    {
        using var model = new OneTarget(6, 5, dtype: ScalarType.Float64);
        using var plain = model.CreateAdapter().Trained(seed: 1);
        using var dora = model.CreateAdapter(new LoraConfig { UseDora = true, Rank = 2 }).Trained(seed: 2);
        OneTarget.Adapter?[] rows = [plain, dora, null, plain];
        using var mixed = new MixedBatch<OneTarget.Adapter>(model, form) { Rows = rows };
        model.ActiveAdapter = mixed.Adapter;
        var (x, upstream) = (Base.Input(4, 6).to_type(ScalarType.Float64), Base.Input(4, 5).to_type(ScalarType.Float64));

        var y = model.call(x);
        y.backward([upstream]);

        var (weight, bias, found) = (Values.Matrix(model.get_parameter("proj.weight")!), Values.Flat(model.get_parameter("proj.bias")!), Values.Matrix(y));
        for (var row = 0; row < rows.Length; row++)
        {
            var lora = rows[row] is { proj: { } update }
                ? new LoraLinear(weight, bias, Values.Matrix(update.A), Values.Matrix(update.B), ReferenceEquals(rows[row], plain) ? 12 / 3.0 : 12 / 2.0)
                : new LoraLinear(weight, bias, new double[0, 6], new double[5, 0], 0);
            var own = Values.Matrix(x[row]);
            var expected = ReferenceEquals(rows[row], dora) ? new DoraLinear(lora, Values.Flat(dora.proj.Magnitude!)).Forward(own) : lora.Forward(own);
            for (var o = 0; o < 5; o++)
                Assert.Equal(expected[0, o], found[row, o], 1e-6);
        }

        var gradients = new LoraLinear(weight, bias, Values.Matrix(plain.proj.A), Values.Matrix(plain.proj.B), 12 / 3.0)
            .Gradients(Values.Matrix(x.index_select(0, tensor(new long[] { 0, 3 }))), Values.Matrix(upstream.index_select(0, tensor(new long[] { 0, 3 }))));
        Assert.InRange(Deltas.Distance(gradients.A, Values.Matrix(plain.proj.A.grad!)), 0, 1e-6);
        Assert.InRange(Deltas.Distance(gradients.B, Values.Matrix(plain.proj.B.grad!)), 0, 1e-6);

        Assert.Contains("with 4 rows as Rows has", Assert.Throws<LoraException>(() => model.call(x[..3])).Message, StringComparison.Ordinal);
        model.ActiveAdapter = null;
        model.Merge(plain);
        Assert.Contains("already carries a merged adapter", Assert.Throws<LoraException>(() => mixed.Rows = rows).Message, StringComparison.Ordinal);
    }

    // PEFT walks the model at each swap and rewrites requires_grad, which may train what was frozen. Here a swap touches no flag: a gradient
    // reaches what is active and not frozen.
    [Fact]
    public void I21_Gradients_follow_the_active_adapter_and_a_frozen_one_gets_none()
    {
        using var model = new Tower();
        using var first = model.CreateAdapter().Trained(seed: 1);
        using var second = model.CreateAdapter().Trained(seed: 2);
        using var served = model.CreateAdapter().Trained(seed: 3);
        served.Freeze();
        var x = Base.Input(2, Tower.Width).requires_grad_();
        foreach (var (active, other) in new[] { (first, second), (second, first) })
        {
            model.ActiveAdapter = active;
            model.call(x).sum().backward();
            Assert.All(active.parameters(), parameter => Assert.NotNull(parameter.grad));
            Assert.All(other.parameters(), parameter => Assert.Null(parameter.grad));
            active.zero_grad();
        }

        model.ActiveAdapter = served;
        model.call(x).sum().backward();
        Assert.NotNull(x.grad);
        foreach (var (adapter, trains) in new[] { (first, true), (second, true), (served, false) })
            Assert.All(adapter.parameters(), parameter => Assert.Equal((trains, false), (parameter.requires_grad, parameter.grad is not null)));
        Assert.All(model.parameters(), parameter => Assert.False(parameter.requires_grad));
    }

    // PEFT's linear needs equal ranks and has terms of one adapter's B with another's A; so it is with AsPeft. Else the weighted sum is meant.
    [Fact]
    public void I22_Weighted_adapters_have_the_ranks_20_and_8_and_28_and_are_the_weighted_sum()
    {
        using var model = new OneTarget(40, 30);
        using var eight = model.CreateAdapter(new LoraConfig { Rank = 8 }).Trained(seed: 1);
        using var again = model.CreateAdapter(new LoraConfig { Rank = 8 }).Trained(seed: 2);
        using var twenty = model.CreateAdapter(new LoraConfig { Rank = 20 }).Trained(seed: 3);
        var uneven = Deltas.Sum((0.5, Deltas.Of(eight.proj)), (-1, Deltas.Of(twenty.proj)));
        var even = Deltas.Sum((0.5, Deltas.Of(eight.proj)), (2, Deltas.Of(again.proj)));
        AssertIs(JacobiSvd.Truncate(uneven, 20).Approximation, 20, CombineMethod.Svd, false, (eight, 0.5), (twenty, -1));
        AssertIs(JacobiSvd.Truncate(uneven, 20).Approximation, 20, CombineMethod.Linear, false, (eight, 0.5), (twenty, -1));
        AssertIs(JacobiSvd.Truncate(even, 8).Approximation, 8, CombineMethod.Linear, false, (eight, 0.5), (again, 2));
        AssertIs(uneven, 28, CombineMethod.Cat, false, (eight, 0.5), (twenty, -1));
        foreach (var asPeft in new[] { false, true })
        {
            foreach (var method in new[] { CombineMethod.Svd, CombineMethod.Linear, CombineMethod.Cat })
            {
                foreach (var weight in new[] { 0.7, -1 })
                    AssertIs(Deltas.Sum((weight, Deltas.Of(eight.proj))), 8, method, asPeft, (eight, weight));
            }
        }

        Refused(new CombineOptions { Method = CombineMethod.Linear, AsPeft = true }, "expected adapters of one rank, found [8, 20]");
        Refused(new CombineOptions { Method = (CombineMethod)99 }, "99");

        void AssertIs(double[,] expected, int rank, CombineMethod method, bool asPeft, params (OneTarget.Adapter, double)[] adapters)
        {
            using var adapter = model.Combine(new CombineOptions { Method = method, AsPeft = asPeft }, adapters).Adapter;
            Assert.Equal(new LoraScale(rank, rank, false), adapter.proj.Scale);
            Assert.InRange(Deltas.Distance(expected, Deltas.Of(adapter.proj)), 0, 1e-6);
        }

        void Refused(CombineOptions options, string because)
            => Assert.Contains(because, Assert.Throws<LoraException>(() => model.Combine(options, (eight, 1), (twenty, 1))).Message, StringComparison.Ordinal);
    }

    // PEFT's get_layer_status reports "irregular". Here each part of the model tells its own adapter, and what would be ambiguous is refused.
    [Fact]
    public void I27_A_part_in_another_state_than_the_whole_shows_it_and_cannot_be_merged_over()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        using var without = model.CreateAdapter(new LoraConfig { ExcludeModulesPattern = @"floors\.1\..*" }).Trained();
        var (x, before) = (Base.Input(1, Tower.Width), Base.Bytes(model));
        model.ActiveAdapter = without;
        Assert.Same(without.floors[1], model.FloorAt(1).ActiveAdapter);
        Assert.All(new TowerReference(model, without).Forward(Values.Flat(x)).Zip(Values.Flat(model.call(x))), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * (1 + Math.Abs(pair.First))));

        model.ActiveAdapter = null;
        model.FloorAt(1).Merge(adapter.floors[1]);
        Assert.Null(model.MergedAdapter);
        Assert.Same(adapter.floors[1], model.FloorAt(1).MergedAdapter);
        Assert.Contains("floors.1.entrance.up", Assert.Throws<LoraException>(() => model.Merge(adapter)).Message, StringComparison.Ordinal);
        Assert.Contains("floors.1.entrance.up", Assert.Throws<LoraException>(() => model.ActiveAdapter = adapter).Message, StringComparison.Ordinal);
        model.FloorAt(1).Unmerge();
        Assert.Equal(before, Base.Bytes(model));
        model.ActiveAdapter = adapter;
    }
}
