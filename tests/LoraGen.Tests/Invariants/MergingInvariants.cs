using LoraGen.Tests.Combining;
using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Invariants;

/// <summary>What PEFT's tests hold of merging, unmerging and unloading (tests/testing_common.py, test_custom_models.py).</summary>
public sealed class MergingInvariants : IDisposable
{
    private readonly IDisposable _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    // PEFT asks for 1e-4, its unmerge subtracts what it recomputes. Here the original bits come back, and so does every bit of the output.
    [Theory]
    [InlineData("Linear")]
    [InlineData("Conv1D")]
    [InlineData("Embedding")]
    [InlineData("DoRA")]
    public void I07_Merged_equals_unmerged_equals_unmerged_again_equals_merged_for_good(string kind)
    {
        const int inputs = 6;
        using Module<Tensor, Tensor> model = kind switch
        {
            "Conv1D" => new OneConv1D(inputs, 5, ScalarType.Float32),
            "Embedding" => new OneEmbedding(inputs, 5),
            _ => new OneTarget(inputs, 5),
        };
        var ids = tensor(new long[] { 5, 0, 3, 3 });
        var x = kind == "Embedding" ? ids : Base.Input(4, inputs);
        var rows = kind == "Embedding" ? Values.Matrix(functional.one_hot(ids, inputs)) : Values.Matrix(x);
        switch (model)
        {
            case OneTarget linear: Check(linear, transposed: false); break;
            case OneConv1D conv1D: Check(conv1D, transposed: true); break;
            case OneEmbedding embedding: Check(embedding, transposed: true); break;
        }

        void Check<TAdapter>(ILoraModel<TAdapter> lora, bool transposed)
            where TAdapter : LoraAdapter
        {
            using var adapter = lora.CreateAdapter(new LoraConfig { UseDora = kind == "DoRA" }).Trained();
            var (update, weight) = (adapter.Updates[0], Values.Matrix(model.get_parameter("proj.weight")!));
            var bias = model.get_parameter("proj.bias") is { } parameter ? Values.Flat(parameter) : null;
            var reference = new LoraLinear(transposed ? Matrices.Transpose(weight) : weight, bias, Values.Matrix(update.A), Values.Matrix(update.B), 12 / 3.0);
            var expected = update.Magnitude is { } magnitude ? new DoraLinear(reference, Values.Flat(magnitude)).Forward(rows) : reference.Forward(rows);

            lora.ActiveAdapter = adapter;
            var active = Base.Bytes(Near());
            lora.Merge(adapter);
            Near();
            lora.Unmerge();
            lora.ActiveAdapter = adapter;
            Assert.Equal(active, Base.Bytes(Near()));
            lora.Merge(adapter);
            adapter.Dispose();
            Near();

            Tensor Near()
            {
                var y = model.call(x);
                Assert.All(expected.Cast<double>().Zip(Values.Flat(y)), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
                return y;
            }
        }
    }

    [Fact]
    public void I08_Merged_differs_from_the_base_once_trained_and_not_before()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter();
        var (x, weights) = (Base.Input(3, Tower.Width), Base.Bytes(model));
        var output = Base.Bytes(model.call(x));

        model.Merge(adapter);
        Assert.Equal(weights, Base.Bytes(model));
        model.Unmerge();

        model.ActiveAdapter = adapter;
        using var optimizer = optim.SGD(adapter.parameters(), learningRate: 0.1);
        model.call(x).square().sum().backward();
        optimizer.step();
        model.Merge(adapter);
        Assert.NotEqual(output, Base.Bytes(model.call(x)));
        Assert.All(adapter.Updates, update => Assert.NotEqual(weights[$"{update.Path}.weight"], Base.Bytes(model)[$"{update.Path}.weight"]));
    }

    [Fact]
    public void I09_A_merged_model_saved_and_loaded_gives_the_same_outputs()
    {
        using var folder = new ScratchFolder();
        using var model = new Tower();
        using var adapter = model.CreateAdapter().Trained();
        var (reference, x) = (new TowerReference(model, adapter), Base.Input(1, Tower.Width));
        model.Merge(adapter);
        model.save(folder.PathOf("merged.dat"));

        using var loaded = new Tower();
        loaded.load(folder.PathOf("merged.dat"));

        Assert.Equal(Base.Bytes(model.call(x)), Base.Bytes(loaded.call(x)));
        Assert.All(reference.Forward(Values.Flat(x)).Zip(Values.Flat(loaded.call(x))), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * (1 + Math.Abs(pair.First))));
    }

    // PEFT puts its layers into the model and takes them out again. Here nothing is put in: the adapter is beside the model all along.
    [Fact]
    public void I10_After_unloading_no_adapter_layer_and_no_config_remains_and_there_never_was_one()
    {
        string[] keys =
        [
            .. from floor in new[] { 0, 1 }
               from room in new[] { "entrance", "h.0", "h.1" }
               from name in new[] { "down.weight", "up.bias", "up.weight" }
               select $"floors.{floor}.{room}.{name}",
            "lm_head.bias", "lm_head.weight", "mix.bias", "mix.weight",
        ];
        using var model = new Tower();
        AssertPlain("before");
        var adapter = model.CreateAdapter().Trained();
        AssertPlain("CreateAdapter");
        model.ActiveAdapter = adapter;
        AssertPlain("ActiveAdapter");
        model.Merge(adapter);
        AssertPlain("Merge");
        model.Unmerge();
        AssertPlain("Unmerge");
        model.ActiveAdapter = null;
        adapter.Dispose();
        AssertPlain("Dispose");
        Assert.Null(model.ActiveAdapter);
        Assert.Null(model.MergedAdapter);

        void AssertPlain(string step)
        {
            Assert.True(keys.ToHashSet().SetEquals(model.state_dict().Keys), step);
            Assert.True(keys.ToHashSet().SetEquals(model.named_parameters().Select(item => item.name)), step);
            Assert.DoesNotContain(model.modules(), module => module is LowRankUpdate or LoraAdapter);
        }
    }

    // PEFT warns and goes on. Here the second merge is an error: a warning in a log does not tell a program that its call did nothing.
    [Fact]
    public void I11_Merging_twice_merges_once()
    {
        using var model = new OneTarget(6, 5);
        using var adapter = model.CreateAdapter().Trained();
        var before = Base.Bytes(model);
        var expected = Deltas.Sum((1, Values.Matrix(model.get_parameter("proj.weight")!)), (1, Deltas.Of(adapter.proj)));
        model.Merge(adapter);

        var refusal = Assert.Throws<LoraException>(() => model.Merge(adapter));

        Assert.Contains("proj: its weight already carries a merged adapter. Call Unmerge first.", refusal.Message, StringComparison.Ordinal);
        Assert.InRange(Deltas.Distance(expected, Values.Matrix(model.get_parameter("proj.weight")!)), 0, 1e-6);
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
    }

    // Every merge is a safe one. The projection is the last in the order of merging, so that all others would have been written by then.
    [Theory]
    [InlineData("A", float.NaN)]
    [InlineData("A", float.PositiveInfinity)]
    [InlineData("B", float.NaN)]
    [InlineData("B", float.NegativeInfinity)]
    [InlineData("m", float.NaN)]
    public void I12_A_merge_of_NaN_or_infinity_is_refused_and_leaves_the_weights(string factor, float value)
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter(new LoraConfig { UseDora = factor == "m" }).Trained();
        var (before, last) = (Base.Bytes(model), adapter.floors[1]._rooms[1].down);
        using (no_grad())
            (factor switch { "A" => last.A, "B" => last.B, _ => last.Magnitude! }).view(-1)[1] = value;

        var refusal = Assert.Throws<LoraException>(() => model.Merge(adapter));

        Assert.StartsWith("floors.1.h.1.down: expected finite weights after merging, found NaN or infinity", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, Base.Bytes(model));
        Assert.Null(model.MergedAdapter);
        using var good = model.CreateAdapter().Trained();
        model.Merge(good);
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
    }

    // PEFT stacks merges. Here one at a time, so that Unmerge knows what it restores: a sequence goes through a copy of the merged weights.
    [Fact]
    public void I13_Merging_one_after_the_other_equals_merging_at_once_and_unmerging_restores_the_base()
    {
        using var model = new OneTarget(6, 5);
        using var first = model.CreateAdapter().Trained(seed: 1);
        using var second = model.CreateAdapter(new LoraConfig { Rank = 1 }).Trained(seed: 2);
        var before = Base.Bytes(model);
        var expected = Deltas.Sum((1, Values.Matrix(model.get_parameter("proj.weight")!)), (1, Deltas.Of(first.proj)), (1, Deltas.Of(second.proj)));

        model.Merge((first, 1), (second, 1));
        Assert.InRange(Deltas.Distance(expected, Values.Matrix(model.get_parameter("proj.weight")!)), 0, 1e-6);
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));

        model.Merge(first);
        using var next = new OneTarget(6, 5);
        next.load_state_dict(model.state_dict());
        using var copied = next.CreateAdapter(new LoraConfig { Rank = 1 });
        copied.load_state_dict(second.state_dict());
        next.Merge(copied);
        Assert.InRange(Deltas.Distance(expected, Values.Matrix(next.get_parameter("proj.weight")!)), 0, 1e-6);
        next.Unmerge();
        Assert.Equal(Base.Bytes(model), Base.Bytes(next));
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
    }

    // The sum in float64, rounded once; where it lies next to the middle of two fp16 numbers, the fp32 sum may fall to the other.
    [Fact]
    public void I14_Merging_in_fp16_works()
    {
        using var model = new OneTarget(64, 64, dtype: ScalarType.Float16);
        using var adapter = model.CreateAdapter().Trained();
        var before = Base.Bytes(model);
        var expected = Deltas.Sum((1, Values.Matrix(model.get_parameter("proj.weight")!)), (1, Deltas.Of(adapter.proj)));

        model.Merge(adapter);

        var missed = expected.Cast<double>().Zip(Values.Flat(model.get_parameter("proj.weight")!)).Count(pair => (double)(Half)pair.First != pair.Second);
        Assert.InRange(missed, 0, 64 * 64 / 500);
        Assert.InRange(Deltas.Distance(expected, Values.Matrix(model.get_parameter("proj.weight")!)), 0, Math.ScaleB(1, -11));
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
    }
}
