using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Variants;

/// <summary>DoRA of a Linear, with what holds for every kind: dropout, the options, the files.</summary>
public sealed class DoraLinearTests : DoraTests<OneTarget, OneTarget.Adapter>
{
    protected override bool IsTransposed => false;

    protected override string[] Keys => ["base_model.model.proj.lora_A.weight", "base_model.model.proj.lora_B.weight", "base_model.model.proj.lora_magnitude_vector"];

    protected override OneTarget Model(ScalarType dtype, int inputs, int outputs) => new(inputs, outputs, dtype: dtype);

    protected override OneTarget.Adapter Load(string folder, OneTarget model) => OneTarget.Adapter.Load(folder, model);

    // The same seed drops the same inputs of a row of ones.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void With_dropout_the_direction_is_that_of_the_dropped_input_and_the_rest_the_bases_own(bool bias)
    {
        using var model = new OneTarget(In, Out, bias);
        using var adapter = model.CreateAdapter(new LoraConfig { UseDora = true, Dropout = 0.4 }).Trained();
        model.ActiveAdapter = adapter;
        var x = Base.Input(9, In);
        manual_seed(4);
        var mask = Values.Matrix(nn.functional.dropout(ones(9, In), 0.4, true));
        manual_seed(4);

        var found = Values.Matrix(model.call(x));

        var update = adapter.proj;
        var state = model.state_dict();
        var reference = new DoraLinear(
            new LoraLinear(Values.Matrix(state["proj.weight"]), bias ? Values.Flat(state["proj.bias"]) : null, Values.Matrix(update.A), Values.Matrix(update.B), 4),
            Values.Flat(update.Magnitude!));
        var expected = reference.Forward(Values.Matrix(x), mask);
        Assert.Contains(0, mask.Cast<double>());
        Assert.All(expected.Cast<double>().Zip(found.Cast<double>()), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-4));

        model.eval();
        Assert.All(reference.Forward(Values.Matrix(x)).Cast<double>().Zip(Values.Flat(model.call(x))), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-4));
    }

    [Fact]
    public void Without_it_there_is_no_magnitude()
    {
        using var model = new OneTarget(In, Out);
        using var adapter = model.CreateAdapter();
        Assert.Null(adapter.proj.Magnitude);
        Assert.Equal(["proj.lora_A.weight", "proj.lora_B.weight"], adapter.state_dict().Keys);
    }

    [Fact]
    public void Its_delta_is_not_s_B_A_and_is_refused()
    {
        using var model = new OneTarget(In, Out);
        using var adapter = model.CreateAdapter(new LoraConfig { UseDora = true });
        Assert.StartsWith("proj: expected an update that is (alpha / r) B A alone, found DoRA", Assert.Throws<LoraException>(() => adapter.proj.Delta()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void It_moves_with_the_adapter_and_is_disposed_with_it()
    {
        using var model = new OneTarget(In, Out);
        var adapter = model.CreateAdapter(new LoraConfig { UseDora = true });
        adapter.to(ScalarType.BFloat16);
        var magnitude = adapter.proj.Magnitude!;
        Assert.Equal(ScalarType.BFloat16, magnitude.dtype);
        adapter.Dispose();
        Assert.True(magnitude.IsInvalid);
        Assert.Contains("the adapter was disposed", Assert.Throws<LoraException>(() => model.ActiveAdapter = adapter).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("base_model.model.proj.lora_magnitude_vector", null, "missing: [base_model.model.proj.lora_magnitude_vector]")]
    [InlineData("base_model.model.proj.lora_magnitude_vector", 9L, "base_model.model.proj.lora_magnitude_vector: expected shape [10], found [9]")]
    public void A_file_without_its_magnitudes_is_refused(string key, long? length, string expected)
    {
        using var folder = Saved();
        var file = SafetensorsBytes.Parse(File.ReadAllBytes(folder.PathOf("adapter_model.safetensors")));
        if (length is { } size)
            file.Tensors[key] = new("F32", [size], new byte[4 * size]);
        else
            file.Tensors.Remove(key);
        File.WriteAllBytes(folder.PathOf("adapter_model.safetensors"), file.ToArray());
        AssertRefused(folder, expected);
    }

    [Fact]
    public void Magnitudes_that_the_config_does_not_name_are_refused()
    {
        using var folder = Saved();
        var path = folder.PathOf("adapter_config.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"use_dora\": true", "\"use_dora\": false", StringComparison.Ordinal));
        AssertRefused(folder, "unexpected: [base_model.model.proj.lora_magnitude_vector]");
    }

    private static ScratchFolder Saved()
    {
        var folder = new ScratchFolder();
        using var model = new OneTarget(In, Out);
        using var adapter = model.CreateAdapter(new LoraConfig { UseDora = true });
        adapter.Save(folder.Path);
        return folder;
    }

    private static void AssertRefused(ScratchFolder folder, string expected)
    {
        using var model = new OneTarget(In, Out);
        Assert.Contains(expected, Assert.Throws<LoraException>(() => OneTarget.Adapter.Load(folder.Path, model)).Message, StringComparison.Ordinal);
    }
}
