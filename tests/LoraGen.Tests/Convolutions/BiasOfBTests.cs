using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.ModulesToSave;
using LoraGen.Tests.Reference;
using TorchSharp;
using TorchSharp.Modules;
using static LoraGen.Tests.Convolutions.OneConvolution;
using static TorchSharp.torch;

namespace LoraGen.Tests.Convolutions;

/// <summary><c>lora_bias</c> and <c>bias</c> of a convolution: the float64 loops with the own bias, plus s b_B, in place of the base's.</summary>
public sealed class BiasOfBTests : IDisposable
{
    private const double Scale = 4;

    private readonly IDisposable _scope = NewDisposeScope();

    public static TheoryData<string, TrainedBiases, bool> Variants
        => [.. from name in Each from own in new[] { TrainedBiases.None, TrainedBiases.LoraOnly } from isServing in new[] { false, true } select (name, own, isServing)];

    public void Dispose() => _scope.Dispose();

    [Theory]
    [MemberData(nameof(Variants))]
    public void The_output_is_the_formula_active_merged_mixed_and_loaded(string name, TrainedBiases own, bool isServing)
    {
        using var folder = new ScratchFolder();
        using var inference = no_grad();
        var convolution = All[name](ScalarType.Float32);
        using var model = Model(convolution);
        using var adapter = model.CreateAdapter(new LoraConfig { LoraBias = true, Bias = own }).Filled();
        if (isServing)
            adapter.Serving();
        var (x, before) = (Input(convolution), Base.Bytes(model));
        var expected = Expected(convolution, adapter.Updates[0], x);

        model.Activate(adapter);
        AssertClose(expected, Values.Flat(model.call(x)), 1e-5);
        AssertClose(Values.Flat(model.call(x)[1]), Values.Flat(model.call(x[1])), 1e-5); // without a batch

        model.Merge(adapter);
        AssertClose(expected, Values.Flat(model.call(x)), 1e-5);
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));

        adapter.Save(folder.Path);
        var stored = SafetensorsBytes.Parse(File.ReadAllBytes(folder.PathOf("adapter_model.safetensors"))).Tensors;
        Assert.Equal([5], stored["base_model.model.proj.lora_B.bias"].Shape);
        Assert.Equal(own != TrainedBiases.None, stored.ContainsKey("base_model.model.proj.base_layer.bias"));
        using var loaded = model.Load(folder.Path);
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(loaded));
        model.Activate(loaded);
        AssertClose(expected, Values.Flat(model.call(x)), 1e-5);
    }

    [Theory]
    [InlineData(MixedForm.Loop)]
    [InlineData(MixedForm.Mask)]
    [InlineData(MixedForm.Auto)]
    public void A_row_of_a_mixed_batch_is_the_formula(MixedForm form)
    {
        using var inference = no_grad();
        var convolution = (Conv2d)All["2d, each side its own"](ScalarType.Float32);
        using var model = (OneImage)Model(convolution);
        using var ofB = model.CreateAdapter(new LoraConfig { LoraBias = true }).Filled(1);
        using var own = model.CreateAdapter(new LoraConfig { Bias = TrainedBiases.LoraOnly }).Filled(2);
        var x = Input(convolution, count: 4);
        using var mixed = new MixedBatch<OneImage.Adapter>(model, form) { Rows = [own, ofB, null, own] };
        var bare = Values.Flat(model.call(x)[2]);
        model.ActiveAdapter = mixed.Adapter;

        var found = model.call(x);

        foreach (var (row, adapter) in new[] { own, ofB, null, own }.Index())
            AssertClose(adapter is null ? bare : Expected(convolution, adapter.proj, x[row].unsqueeze(0)), Values.Flat(found[row]), 1e-5);
        model.ActiveAdapter = null;
    }

    private static double[] Expected(Convolution convolution, LowRankUpdate update, Tensor x)
    {
        var own = update.BBias is { } bBias ? Values.Flat(bBias) : new double[5];
        var bias = update.get_parameter("base_layer.bias") is { } stands ? Values.Flat(stands) : Values.Flat(convolution.bias!);
        var formula = Formula(convolution, update) with { Bias = [.. bias.Zip(own, (b, value) => b + (Scale * value))] };
        return formula.Forward(Values.Flat(x), x.shape);
    }
}
