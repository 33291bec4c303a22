using LoraGen.Peft;
using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Tests.Variants;

/// <summary>The first and the last of three slices of a Linear.</summary>
public sealed class SlicesLinearTests : SlicesTests<OneFused, OneFused.Adapter>
{
    protected override int[] Trained => [0, 2];

    protected override bool IsTransposed => false;

    protected override OneFused Model(ScalarType dtype, int outputs) => new(In, outputs, dtype);

    protected override OneFused.Adapter Load(string folder, OneFused model) => OneFused.Adapter.Load(folder, model);

    // loralib's own file has the same A and B, and no config.
    [Fact]
    public void What_loralib_trained_on_these_slices_loads_as_it_was()
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        var file = new SafetensorsBytes();
        var random = new Random(3);
        file.Tensors["proj.lora_A"] = Random(4, In);
        file.Tensors["proj.lora_B"] = Random(2 * Width, 2);
        File.WriteAllBytes(folder.PathOf("fused.bin"), TorchZipBytes.Write(file));
        using (var loralib = PeftCheckpoint.OpenLoralib(folder.PathOf("fused.bin"), alpha: 3, enableLora: [true, false, true]))
        {
            loralib.Save(folder.PathOf("peft"), keyPrefix: "base_model.model.");
        }

        using var model = new OneFused(In, Out);
        using var adapter = OneFused.Adapter.Load(folder.PathOf("peft"), model);

        Assert.Equal(file.Tensors["proj.lora_A"].Data, Base.Bytes(adapter.proj.A));
        Assert.Equal(file.Tensors["proj.lora_B"].Data, Base.Bytes(adapter.proj.B));
        Assert.Equal(new LoraScale(2, 3, false), adapter.proj.Scale);

        SafetensorsBytes.Stored Random(int rows, int columns)
            => new("F32", [rows, columns], [.. Enumerable.Range(0, rows * columns).SelectMany(_ => BitConverter.GetBytes((float)random.NextDouble() - 0.5f))]);
    }

    [Fact]
    public void A_rank_that_the_slices_cannot_share_is_refused()
    {
        using var folder = new ScratchFolder();
        using var whole = new OneTarget(In, Out);
        using (var adapter = whole.CreateAdapter())
        {
            adapter.Save(folder.Path);
        }

        using var model = new OneFused(In, Out);
        var refusal = Assert.Throws<LoraException>(() => OneFused.Adapter.Load(folder.Path, model)).Message;
        Assert.Contains("proj: rank: expected a value that is 2 times that of a slice, found 3", refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(LoraInit.Orthogonal)]
    [InlineData(LoraInit.Pissa)]
    [InlineData(LoraInit.Olora)]
    public void A_start_that_is_the_whole_weights_is_refused(LoraInit init)
    {
        using var model = new OneFused(In, Out);
        var refusal = Assert.Throws<LoraException>(() => model.CreateAdapter(new LoraConfig { Init = init })).Message;
        Assert.Contains($"proj: Init: expected a value that slices can begin with: Kaiming, Gaussian or Random, found {init}", refusal, StringComparison.Ordinal);
    }
}
