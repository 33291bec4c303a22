using System.Text.Json.Nodes;
using LoraGen.Peft;
using LoraGen.Tests.Reference;
using TorchSharp;
using static LoraGen.Tests.Peft.AdapterFolder;

namespace LoraGen.Tests.Peft;

/// <summary>What Inspect says of an adapter: its numbers against plain loops, and each oddity where it is and not where it is not.</summary>
public sealed class InspectTests : IDisposable
{
    private readonly AdapterFolder _adapter = new();

    public void Dispose() => _adapter.Dispose();

    [Fact]
    public void Numbers_of_a_usual_adapter()
    {
        var report = PeftCheckpoint.Inspect(_adapter.Write().Path);
        Assert.Equal(["layers.0.q_proj", "layers.0.v_proj"], report.Updates.Select(update => update.Update.Path));
        Assert.Equal(("some/base", _adapter.WeightsPath), (report.Config.BaseModelNameOrPath, report.WeightsPath));
        Assert.Equal((2 * 5) + (4 * 2) + (2 * 5) + (3 * 2), report.Parameters);
        Assert.Equal((0, false), (report.SavedParameters, report.IsNoOp));
        Assert.Empty(report.Saved);
        Assert.Empty(report.Oddities);

        var sum = 0.0;
        foreach (var (layer, update) in new[] { Q, V }.Zip(report.Updates))
        {
            var (a, b) = (_adapter.Matrix($"{layer}.lora_A.weight"), _adapter.Matrix($"{layer}.lora_B.weight"));
            var norm = Frobenius(Product(a, b, factor: 1.5));
            Assert.Equal(Frobenius(a), update.NormA, tolerance: 1e-12);
            Assert.Equal(Frobenius(b), update.NormB, tolerance: 1e-12);
            Assert.Equal(norm, update.Norm, tolerance: 1e-12);
            sum += norm * norm;
        }

        Assert.Equal(Math.Sqrt(sum), report.Norm, tolerance: 1e-12);
    }

    // B A is zero, and neither A nor B is: the trace of (A A')(B' B), which is the square, would be some 1e-17 and its root 4e-9.
    [Fact]
    public void The_norm_of_a_product_that_cancels()
    {
        _adapter.Weights.Tensors[$"{Q}.lora_A.weight"] = new("F32", [2, 5], Floats(1, 2, 3, 4, 5, 1, 2, 3, 4, 5));
        _adapter.Weights.Tensors[$"{Q}.lora_B.weight"] = new("F32", [4, 2], Floats(1, -1, .3f, -.3f, 7, -7, .1f, -.1f));
        Assert.InRange(PeftCheckpoint.Inspect(_adapter.Write().Path).Updates[0].Norm, 0, 1e-13);
    }

    [Fact]
    public void A_rank_above_both_sides_of_the_layer()
    {
        _adapter.Config["rank_pattern"] = new JsonObject { ["q_proj"] = 9 };
        _adapter.Add($"{Q}.lora_A.weight", 9, 5);
        _adapter.Add($"{Q}.lora_B.weight", 4, 9);
        var expected = Frobenius(Product(_adapter.Matrix($"{Q}.lora_A.weight"), _adapter.Matrix($"{Q}.lora_B.weight"), factor: 3.0 / 9));
        Assert.Equal(expected, PeftCheckpoint.Inspect(_adapter.Write().Path).Updates[0].Norm, tolerance: 1e-12);
    }

    [Fact]
    public void A_convolution()
    {
        _adapter.Add($"{Q}.lora_A.weight", 2, 3, 2, 2);
        _adapter.Add($"{Q}.lora_B.weight", 4, 2, 1, 1);
        var expected = Product(_adapter.Matrix($"{Q}.lora_A.weight"), _adapter.Matrix($"{Q}.lora_B.weight"), factor: 1.5);
        using var checkpoint = _adapter.Open();
        Assert.Equal(Frobenius(expected), checkpoint.Inspect().Updates[0].Norm, tolerance: 1e-12);
        using var delta = checkpoint.Delta(checkpoint.Updates[0]);
        Assert.Equal([4, 3, 2, 2], delta.shape);
        AssertEqual(expected, Values.Flat(delta));
    }

    [Fact]
    public void The_delta_of_an_embedding_is_transposed()
    {
        _adapter.Add("base_model.model.embed.lora_embedding_A", 2, 6);
        _adapter.Add("base_model.model.embed.lora_embedding_B", 4, 2);
        using var checkpoint = _adapter.Open();
        using var delta = checkpoint.Delta(checkpoint.Updates[0]);
        Assert.Equal([6, 4], delta.shape);
        var expected = Product(_adapter.Matrix("base_model.model.embed.lora_embedding_A"), _adapter.Matrix("base_model.model.embed.lora_embedding_B"), factor: 1.5);
        var transposed = new double[6, 4];
        foreach (var (i, j) in from i in Enumerable.Range(0, 6) from j in Enumerable.Range(0, 4) select (i, j))
            transposed[i, j] = expected[j, i];
        AssertEqual(transposed, Values.Flat(delta));
    }

    [Theory]
    [InlineData("use_dora", "true", "use_dora: true")]
    [InlineData("use_qalora", "true", "use_qalora: true")]
    [InlineData("alora_invocation_tokens", "[5]", "alora_invocation_tokens: [5]")]
    public void The_delta_of_a_variant_is_refused(string option, string value, string found)
    {
        _adapter.Config[option] = JsonNode.Parse(value);
        using var checkpoint = _adapter.Open();
        Assert.Contains($"layers.0.q_proj: expected an update that is scale * B A alone, found {found}.", Assert.Throws<LoraException>(() => checkpoint.Delta(checkpoint.Updates[0])).Message, StringComparison.Ordinal);
        Assert.Contains($"The adapted layers do not only add scale * B A x ({found}).", checkpoint.Inspect().Oddities);
    }

    [Fact]
    public void All_B_zero_is_a_no_op()
    {
        _adapter.Zero($"{Q}.lora_B.weight");
        var half = PeftCheckpoint.Inspect(_adapter.Write().Path);
        Assert.False(half.IsNoOp);
        Assert.Equal([true, false], half.Updates.Select(update => update.IsZero));
        Assert.Equal(["B is zero in 1 of 2 updates: there the adapter does nothing."], half.Oddities);

        _adapter.Zero($"{V}.lora_B.weight");
        var whole = PeftCheckpoint.Inspect(_adapter.Write().Path);
        Assert.Equal((true, 0), (whole.IsNoOp, whole.Norm));
        Assert.Equal(["B is zero in all 2 updates: there the adapter does nothing."], whole.Oddities);
    }

    [Theory]
    [InlineData($"{Q}.lora_B.bias")]
    [InlineData($"{Q}.lora_magnitude_vector")]
    [InlineData("base_model.model.score.weight")]
    public void What_else_was_trained_is_no_no_op(string key)
    {
        _adapter.Zero($"{Q}.lora_B.weight");
        _adapter.Zero($"{V}.lora_B.weight");
        _adapter.Add(key, 4);
        Assert.False(PeftCheckpoint.Inspect(_adapter.Write().Path).IsNoOp);
    }

    [Fact]
    public void Values_that_are_not_finite()
    {
        _adapter.Weights.Tensors[$"{Q}.lora_A.weight"] = new("F32", [2, 5], Floats(1, 2, float.NaN, 4, 5, 1, 2, 3, 4, 5));
        _adapter.Add("base_model.model.score.weight", 1);
        _adapter.Weights.Tensors["base_model.model.score.weight"] = new("F32", [1], Floats(float.PositiveInfinity));
        _adapter.Config["modules_to_save"] = new JsonArray("score");
        var report = PeftCheckpoint.Inspect(_adapter.Write().Path);
        Assert.Equal(double.NaN, report.Norm);
        Assert.Equal(["Not all values are finite: layers.0.q_proj, base_model.model.score.weight."], report.Oddities);
    }

    [Fact]
    public void Values_whose_squares_are_beyond_fp64()
    {
        _adapter.Weights.Tensors[$"{Q}.lora_A.weight"] = new("F64", [2, 5], [.. Enumerable.Repeat(1e200, 10).SelectMany(BitConverter.GetBytes)]);
        Assert.Equal(1e200 * Math.Sqrt(10), PeftCheckpoint.Inspect(_adapter.Write().Path).Updates[0].NormA, tolerance: 1e187);
    }

    public static TheoryData<string, string, string> Options => new(
        ("target_modules", """["q_proj", "v_proj", "k_proj"]""", "target_modules lists k_proj, and the file has no low-rank tensors for it."),
        ("target_modules", """["q_proj", "v_proj", "q_proj"]""", "target_modules lists q_proj more than once."),
        ("target_modules", """["q_proj"]""", "The file has low-rank tensors of layers that target_modules does not name, and PEFT would pass over them: layers.0.v_proj."),
        ("target_modules", "\".*q_proj\"", "The file has low-rank tensors of layers that target_modules does not name, and PEFT would pass over them: layers.0.v_proj."),
        ("modules_to_save", """["classifier"]""", "modules_to_save lists classifier, and the file has no tensor of it."),
        ("modules_to_save", """["classifier", "classifier"]""", "modules_to_save lists classifier more than once."),
        ("rank_pattern", """{"k_proj": 4}""", "rank_pattern 'k_proj' matches no adapted layer."),
        ("alpha_pattern", """{"k_proj": 4}""", "alpha_pattern 'k_proj' matches no adapted layer."),
        ("fan_in_fan_out", "true", "fan_in_fan_out is true, and no adapted layer has the name of one whose weight is stored [in, out], as GPT-2's are."),
        ("lora_alpha", "0", "The scale is 0: there the adapter does nothing."),
        ("use_dora", "true", "use_dora is true, and the file has no magnitudes."),
        ("bias", "\"all\"", "bias is all: biases of the base were trained too, and taking the adapter away does not bring the old ones back."),
        ("init_lora_weights", "\"pissa_niter_4\"", "init_lora_weights is \"pissa_niter_4\": the adapter belongs to a base that was changed when training began."));

    [Theory]
    [MemberData(nameof(Options))]
    public void An_option_that_does_not_fit(string option, string value, string oddity)
    {
        _adapter.Config[option] = JsonNode.Parse(value);
        Assert.Contains(oddity, _adapter.Oddities());
    }

    public static TheoryData<string> Usual => ["[\"layers.0.q_proj\", \"v_proj\"]", "\".*_proj\"", "\"all-linear\"", "null"];

    [Theory]
    [MemberData(nameof(Usual))]
    public void Targets_that_fit(string targets)
    {
        _adapter.Config["target_modules"] = JsonNode.Parse(targets);
        Assert.Empty(_adapter.Oddities());
    }

    [Theory]
    [InlineData("transformer.h.3.attn.c_attn", 5, 15, true)]
    [InlineData("h.3.mlp.c_fc", 5, 20, true)]
    [InlineData("transformer.h.3.attn.c_attn", 5, 7, false)] // GPT-BigCode's one key and value for all heads; a Linear.
    [InlineData("transformer.h.3.attn.attention.q_proj", 5, 5, false)]
    [InlineData("layers.3.self_attn.c_attn", 5, 15, false)]
    public void Fan_in_fan_out_of(string path, long inputs, long outputs, bool isTransposed)
    {
        _adapter.Weights.Tensors.Clear();
        _adapter.Add($"base_model.model.{path}.lora_A.weight", 2, inputs);
        _adapter.Add($"base_model.model.{path}.lora_B.weight", outputs, 2);
        _adapter.Config["target_modules"] = new JsonArray(path);
        foreach (var said in new[] { false, true })
        {
            _adapter.Config["fan_in_fan_out"] = said;
            Assert.Equal(said == isTransposed ? [] : [said], _adapter.Oddities().Select(oddity => oddity.StartsWith("fan_in_fan_out is true", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void A_head_that_is_not_listed()
    {
        _adapter.Add("base_model.model.score.dense.weight", 3);
        Assert.Equal(["The file has whole tensors of modules that modules_to_save does not list: score.dense."], _adapter.Oddities());
        _adapter.Config["modules_to_save"] = new JsonArray("score");
        Assert.Empty(_adapter.Oddities());
    }

    [Fact]
    public void Keys_of_old_files()
    {
        _adapter.Rename($"{Q}.lora_A.weight", $"{Q}.lora_A.default.weight");
        _adapter.Rename($"{V}.lora_A.weight", "layers.0.v_proj.lora_A.weight");
        _adapter.Add("base_model.model.score.original_module.weight", 3);
        Assert.Equal(
            [
                "1 of 5 keys do not begin with base_model.model., and PEFT would pass over their tensors.",
                "The base's own values of 1 saved tensors are in the file too (original_module).",
                $"Keys are not those that PEFT writes today, such as {Q}.lora_A.default.weight: they hold the adapter's name, or come from a raw state dict.",
            ],
            _adapter.Oddities());
    }

    [Fact]
    public void A_file_without_low_rank_tensors()
    {
        _adapter.Weights.Tensors.Clear();
        _adapter.Config["target_modules"] = new JsonArray();
        Assert.Equal(["The file has no low-rank tensors."], _adapter.Oddities());
    }

    // Every tensor that was read is gone again.
    [Fact]
    public void It_leaves_no_tensor_behind()
    {
        _adapter.Add("base_model.model.score.weight", 3);
        _adapter.Write();
        PeftCheckpoint.Inspect(_adapter.Path);
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        PeftCheckpoint.Inspect(_adapter.Path);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static byte[] Floats(params float[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    private static double[,] Product(double[,] a, double[,] b, double factor)
    {
        var result = new double[b.GetLength(0), a.GetLength(1)];
        for (var o = 0; o < b.GetLength(0); o++)
        {
            for (var i = 0; i < a.GetLength(1); i++)
            {
                for (var k = 0; k < a.GetLength(0); k++)
                    result[o, i] += factor * b[o, k] * a[k, i];
            }
        }

        return result;
    }

    private static double Frobenius(double[,] matrix) => Math.Sqrt(matrix.Cast<double>().Sum(value => value * value));

    // Of numbers below 1/2, two of them multiplied and added in fp32, times 1.5.
    private static void AssertEqual(double[,] expected, double[] found)
    {
        Assert.Equal(expected.Length, found.Length);
        Assert.All(expected.Cast<double>().Zip(found), pair => Assert.Equal(pair.First, pair.Second, tolerance: 4 * Rounding.Float32));
    }
}
