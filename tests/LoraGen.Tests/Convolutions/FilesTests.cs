using System.Text.Json.Nodes;
using LoraGen.Peft;
using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using TorchSharp.Modules;
using static LoraGen.Tests.Convolutions.OneConvolution;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Convolutions;

/// <summary>Convolutions in PEFT's two files.</summary>
public sealed class FilesTests : IDisposable
{
    private readonly IDisposable _scope = NewDisposeScope();
    private readonly ScratchFolder _folder = new();

    public void Dispose()
    {
        _folder.Dispose();
        _scope.Dispose();
    }

    [Theory]
    [InlineData("1d, strided and padded", new long[] { 3, 4, 4 }, new long[] { 5, 3, 1 }, new long[] { 1, 5, 1 })]
    [InlineData("2d, each side its own", new long[] { 3, 3, 3, 2 }, new long[] { 5, 3, 1, 1 }, new long[] { 1, 5, 1, 1 })]
    [InlineData("3d, each side its own", new long[] { 3, 2, 1, 3, 2 }, new long[] { 5, 3, 1, 1, 1 }, new long[] { 1, 5, 1, 1, 1 })]
    public void The_keys_and_shapes_are_PEFTs_and_come_back(string name, long[] a, long[] b, long[] magnitude)
    {
        var convolution = All[name](ScalarType.Float32);
        using var model = Model(convolution);
        using var adapter = model.CreateAdapter(new LoraConfig { UseDora = true }).Trained();
        adapter.Save(_folder.Path);

        var file = Weights();
        Assert.Equal(
            [("base_model.model.proj.lora_A.weight", a), ("base_model.model.proj.lora_B.weight", b), ("base_model.model.proj.lora_magnitude_vector", magnitude)],
            file.Tensors.Select(item => (item.Key, item.Value.Shape)));
        Assert.Equal(["proj.lora_A.weight", "proj.lora_B.weight", "proj.lora_magnitude_vector"], adapter.state_dict().Keys);
        var config = JsonNode.Parse(File.ReadAllText(_folder.PathOf("adapter_config.json")))!;
        Assert.Equal("""["proj"]""", config["target_modules"]!.ToJsonString());
        Assert.False(config["fan_in_fan_out"]!.GetValue<bool>());

        using var loaded = model.Load(_folder.Path);
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(loaded));
    }

    [Fact]
    public void A_checkpoint_without_the_base_has_its_delta()
    {
        var convolution = All["2d, each side its own"](ScalarType.Float32);
        using var model = Model(convolution);
        using var adapter = model.CreateAdapter().Trained();
        adapter.Save(_folder.Path);

        using var checkpoint = PeftCheckpoint.Open(_folder.Path);

        var update = Assert.Single(checkpoint.Updates);
        Assert.Equal(("proj", 3, 4.0), (update.Path, update.Rank, update.Scale));
        var expected = Formula(convolution, adapter.Updates[0]).Delta;
        AssertClose(expected, Values.Flat(checkpoint.Delta(update)), 1e-6);
        Assert.Equal(convolution.weight.shape, checkpoint.Delta(update).shape);
        Assert.Equal(Math.Sqrt(expected.Sum(value => value * value)), checkpoint.Inspect().Norm, 1e-9);
    }

    [Theory]
    [InlineData("base_model.model.proj.lora_A.weight", new long[] { 3, 3, 2, 3 }, "expected shape [3, 3, 3, 2], found [3, 3, 2, 3]")]
    [InlineData("base_model.model.proj.lora_A.weight", new long[] { 3, 18 }, "expected shape [3, 3, 3, 2], found [3, 18]")]
    [InlineData("base_model.model.proj.lora_B.weight", new long[] { 5, 3 }, "expected shape [5, 3, 1, 1], found [5, 3]")]
    public void Other_shapes_are_refused(string key, long[] shape, string expected)
    {
        using var model = Model(All["2d, each side its own"](ScalarType.Float32));
        using (var adapter = model.CreateAdapter())
            adapter.Save(_folder.Path);
        var file = Weights();
        file.Tensors[key] = file.Tensors[key] with { Shape = shape };
        File.WriteAllBytes(_folder.PathOf("adapter_model.safetensors"), file.ToArray());
        Assert.Contains($"{key}: {expected}", Assert.Throws<LoraException>(() => model.Load(_folder.Path)).Message, StringComparison.Ordinal);
    }

    // PEFT gives its A the base's kernel, stride and padding, and neither dilation nor padding mode (peft/tuners/lora/layer.py, _ConvNd).
    [Theory]
    [InlineData("2d, each side its own", "found the dilation [1, 3]")]
    [InlineData("2d, replicated", "found the padding mode Replicate")]
    [InlineData("2d, reflected, same size", "found the dilation [2, 2]")]
    public void What_PEFT_computes_otherwise_is_read_only_from_our_own_files(string name, string expected)
    {
        using var model = Model(All[name](ScalarType.Float32));
        using (var adapter = model.CreateAdapter().Trained())
            adapter.Save(_folder.Path);
        model.Load(_folder.Path).Dispose();
        AsPeftWrites();

        var refusal = Assert.Throws<LoraException>(() => model.Load(_folder.Path)).Message;

        Assert.Contains($"proj: expected a convolution without dilation that pads with zeros, {expected}", refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1d, strided and padded")]
    [InlineData("2d, without a bias")]
    [InlineData("3d, same size")]
    public void What_PEFT_computes_as_we_do_is_read(string name)
    {
        using var model = Model(All[name](ScalarType.Float32));
        using var adapter = model.CreateAdapter().Trained();
        adapter.Save(_folder.Path);
        AsPeftWrites();
        using var loaded = model.Load(_folder.Path);
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(loaded));
    }

    // Its A is [r, in, kernel...], whatever the groups, which is no shape of A here.
    [Fact]
    public void What_PEFT_trained_on_several_groups_is_refused_for_them()
    {
        using (var other = Model(Conv2d(4, 4, 3)))
        using (var adapter = other.CreateAdapter())
            adapter.Save(_folder.Path);
        AsPeftWrites();
        using var model = Model(Conv2d(4, 4, 3, groups: 2));
        Assert.StartsWith("proj: groups: expected 1, found 2", Assert.Throws<LoraException>(() => model.Load(_folder.Path)).Message, StringComparison.Ordinal);
    }

    // A dilation says nothing where the kernel has one place, and a padding mode nothing where there is no padding.
    [Fact]
    public void What_means_nothing_is_no_difference()
    {
        using var model = Model(Conv2d(3, 5, (1, 3), padding: (0, 0), dilation: (4, 1), padding_mode: PaddingModes.Circular));
        using (var adapter = model.CreateAdapter().Trained())
            adapter.Save(_folder.Path);
        AsPeftWrites();
        model.Load(_folder.Path).Dispose();
    }

    private SafetensorsBytes Weights() => SafetensorsBytes.Parse(File.ReadAllBytes(_folder.PathOf("adapter_model.safetensors")));

    private void AsPeftWrites()
    {
        var file = Weights();
        file.Metadata = new() { ["format"] = "pt" };
        File.WriteAllBytes(_folder.PathOf("adapter_model.safetensors"), file.ToArray());
    }
}
