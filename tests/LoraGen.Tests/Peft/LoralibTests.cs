using System.Text.Json.Nodes;
using LoraGen.Peft;
using LoraGen.Tests.Files;
using LoraGen.Tests.Reference;

namespace LoraGen.Tests.Peft;

/// <summary>loralib's files: no config, keys of its own, and layers of which only some slices are adapted.</summary>
public sealed class LoralibTests : IDisposable
{
    private const string Layer = "transformer.h.0.attn.c_attn";
    private const int Slice = 3;
    private const int Rank = 2;
    private const int Inputs = 4;

    // fp32 products of numbers below 1/2, at most as many as there are ranks.
    private const double Tolerance = 1e-6;

    private readonly AdapterFolder _adapter = new();
    private readonly ScratchFolder _saved = new();

    public LoralibTests() => _adapter.Weights.Tensors.Clear();

    public void Dispose()
    {
        _adapter.Dispose();
        _saved.Dispose();
    }

    [Fact]
    public void A_linear_layer_and_a_head()
    {
        _adapter.Add("roberta.query.lora_A", 2, 5);
        _adapter.Add("roberta.query.lora_B", 3, 2);
        _adapter.Add("classifier.weight", 7);
        using var checkpoint = Open(alpha: 5);
        var update = Assert.Single(checkpoint.Updates);
        Assert.Equal(("roberta.query", 2, 5.0, 2.5, 1), (update.Path, update.Rank, update.Alpha, update.Scale, update.Blocks));
        Assert.Equal("classifier", Assert.Single(checkpoint.Tensors, tensor => tensor.Kind == PeftTensorKind.Saved).Path);
        Assert.Empty(checkpoint.Inspect().Oddities);
    }

    // A model that was trained in DistributedDataParallel.
    [Fact]
    public void The_module_before_every_key_is_not_of_the_path()
    {
        _adapter.Add("module.query.lora_A", 2, 5);
        _adapter.Add("module.query.lora_B", 3, 2);
        using (var checkpoint = Open(alpha: 5))
            Assert.Equal("query", Assert.Single(checkpoint.Updates).Path);
        _adapter.Add("head.weight", 7);
        using (var checkpoint = Open(alpha: 5))
            Assert.Equal("module.query", Assert.Single(checkpoint.Updates).Path);
    }

    public static TheoryData<bool[]> Enabled => new(
        new[] { true, false, true }, new[] { false, true, true }, new[] { true, true, true }, new[] { true, false, false }, new[] { false, false, true }, new[] { true, true });

    [Theory]
    [MemberData(nameof(Enabled))]
    public void The_delta_of_some_slices_is_theirs_and_zero_elsewhere(bool[] enabled)
    {
        AddMerged(enabled.Count(slice => slice));
        using var checkpoint = Open(alpha: 3, enabled);
        using var delta = checkpoint.Delta(checkpoint.Updates[0]);
        AssertEqual(Expected(enabled, factor: 1.5), Values.Matrix(delta));
    }

    [Theory]
    [MemberData(nameof(Enabled))]
    public void Saved_as_one_plain_update_it_is_the_same(bool[] enabled)
    {
        AddMerged(enabled.Count(slice => slice));
        using (var checkpoint = Open(alpha: 3, enabled))
            checkpoint.Save(_saved.Path);
        using var saved = PeftCheckpoint.Open(_saved.Path);
        var update = Assert.Single(saved.Updates);
        Assert.Equal((Layer, Rank * enabled.Count(slice => slice), 1.5, 1), (update.Path, update.Rank, update.Scale, update.Blocks));
        using var delta = saved.Delta(update);
        AssertEqual(Expected(enabled, factor: 1.5), Values.Matrix(delta));
    }

    [Fact]
    public void The_norm_needs_no_places()
    {
        AddMerged(2);
        using var checkpoint = Open(alpha: 3);
        var expected = Math.Sqrt(Expected([true, false, true], factor: 1.5).Cast<double>().Sum(value => value * value));
        var report = checkpoint.Inspect();
        Assert.Equal(expected, report.Updates[0].Norm, tolerance: 1e-12);
        Assert.Equal(["all 1 updates adapt slices of a fused layer, as loralib's MergedLinear does, and nothing says which slices."], report.Oddities);
    }

    [Fact]
    public void Slices_without_places_are_neither_placed_nor_saved()
    {
        AddMerged(2);
        using var checkpoint = Open(alpha: 3);
        Assert.Contains("found no enable_lora. Open it with enableLora", Assert.Throws<LoraException>(() => checkpoint.Delta(checkpoint.Updates[0])).Message, StringComparison.Ordinal);
        Assert.Throws<LoraException>(() => checkpoint.Save(_saved.Path));
        Assert.Empty(_saved.Names());
    }

    [Fact]
    public void More_slices_than_there_are()
    {
        AddMerged(2);
        using var checkpoint = Open(alpha: 3, [true, true, true]);
        Assert.Contains($"{Layer}.lora_B: expected 3 blocks, as many as enable_lora enables, found 2.", Assert.Throws<LoraException>(() => checkpoint.Delta(checkpoint.Updates[0])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ranks_that_differ_are_written_for_each_layer()
    {
        foreach (var (layer, rank) in new[] { ("a", 2), ("b", 2), ("c.d", 4) })
        {
            _adapter.Add($"{layer}.lora_A", rank, 5);
            _adapter.Add($"{layer}.lora_B", 3, rank);
        }

        using (var checkpoint = Open(alpha: 8))
            checkpoint.Save(_saved.Path, "base_model.model.encoder.");
        var rules = PeftRules.Of(_saved.Path);
        Assert.Equal([2, 2, 4], new[] { "encoder.a", "encoder.b", "encoder.c.d" }.Select(rules.Rank));
        Assert.Equal([4, 4, 2], new[] { "encoder.a", "encoder.b", "encoder.c.d" }.Select(rules.Scale));
        Assert.All(["encoder.a", "encoder.b", "encoder.c.d"], path => Assert.True(rules.Adapts(path)));
        Assert.False(rules.Adapts("encoder.d"));
        using var saved = PeftCheckpoint.Open(_saved.Path);
        Assert.Empty(saved.Inspect().Oddities);
    }

    // PEFT before 0.4 had MergedLinear too: B as a convolution [n * slice, r, 1], and enable_lora in its config.
    [Fact]
    public void Slices_in_an_old_adapter_of_PEFT()
    {
        AddMerged(2);
        _adapter.Rename($"{Layer}.lora_A", $"base_model.model.{Layer}.lora_A.weight");
        _adapter.Weights.Tensors[$"base_model.model.{Layer}.lora_B.weight"] = _adapter.Weights.Tensors[$"{Layer}.lora_B"] with { Shape = [2 * Slice, Rank, 1] };
        _adapter.Weights.Tensors.Remove($"{Layer}.lora_B");
        (_adapter.Config["enable_lora"], _adapter.Config["fan_in_fan_out"], _adapter.Config["target_modules"]) = (new JsonArray(true, false, true), true, new JsonArray("c_attn"));
        using var checkpoint = _adapter.Open();
        using var delta = checkpoint.Delta(checkpoint.Updates[0]);
        AssertEqual(Expected([true, false, true], factor: 1.5, prefix: "base_model.model.", suffix: ".weight"), Values.Matrix(delta));
        Assert.Equal(["all 1 updates adapt slices of a fused layer, as loralib's MergedLinear does."], checkpoint.Inspect().Oddities);

        checkpoint.Save(_saved.Path);
        using var saved = PeftCheckpoint.Open(_saved.Path);
        using var again = saved.Delta(saved.Updates[0]);
        Assert.Equal(Values.Flat(delta), Values.Flat(again));
        Assert.Equal(["c_attn"], saved.Config.TargetModules);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void An_alpha_that_is_no_number(double alpha)
        => Assert.Contains("alpha: expected a finite number", Assert.Throws<LoraException>(() => PeftCheckpoint.OpenLoralib("x.bin", alpha)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_that_is_no_multiple_of_Bs_rank()
    {
        _adapter.Add("q.lora_A", 3, 5);
        _adapter.Add("q.lora_B", 4, 2);
        Assert.Contains("q.lora_A: expected shape [2, in], since the rank is 2, found [3, 5].", Assert.Throws<LoraException>(() => Open(alpha: 1)).Message, StringComparison.Ordinal);
    }

    private PeftCheckpoint Open(double alpha, bool[]? enabled = null) => PeftCheckpoint.OpenLoralib(_adapter.WriteAsPickle().PicklePath, alpha, enabled);

    private void AddMerged(int blocks)
    {
        _adapter.Add($"{Layer}.lora_A", blocks * Rank, Inputs);
        _adapter.Add($"{Layer}.lora_B", blocks * Slice, Rank);
    }

    // A grouped convolution with the rank as channels, then zero padding into the enabled slices (loralib/layers.py, MergedLinear).
    private double[,] Expected(bool[] enabled, double factor, string prefix = "", string suffix = "")
    {
        var (a, b) = (_adapter.Matrix($"{prefix}{Layer}.lora_A{suffix}"), _adapter.Matrix($"{prefix}{Layer}.lora_B{suffix}"));
        var result = new double[enabled.Length * Slice, Inputs];
        var block = 0;
        for (var slice = 0; slice < enabled.Length; slice++)
        {
            if (!enabled[slice])
                continue;
            for (var row = 0; row < Slice; row++)
            {
                for (var i = 0; i < Inputs; i++)
                {
                    for (var k = 0; k < Rank; k++)
                        result[(slice * Slice) + row, i] += factor * b[(block * Slice) + row, k] * a[(block * Rank) + k, i];
                }
            }

            block++;
        }

        return result;
    }

    private static void AssertEqual(double[,] expected, double[,] found)
    {
        Assert.Equal((expected.GetLength(0), expected.GetLength(1)), (found.GetLength(0), found.GetLength(1)));
        Assert.All(expected.Cast<double>().Zip(found.Cast<double>()), pair => Assert.Equal(pair.First, pair.Second, pair.First == 0 ? 0 : Tolerance));
    }
}
