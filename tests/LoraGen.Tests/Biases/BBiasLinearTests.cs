using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Biases;

/// <summary>The same for a <c>Linear</c>, and what is refused.</summary>
public sealed class BBiasLinearTests : BBiasTests<OneTarget, OneTarget.Adapter>
{
    protected override bool IsTransposed => false;

    protected override OneTarget Model(ScalarType dtype = ScalarType.Float32) => new(8, 5, dtype: dtype);

    protected override OneTarget.Adapter Load(string folder, OneTarget model) => OneTarget.Adapter.Load(folder, model);

    [Fact]
    public void A_base_without_a_bias_computes_with_it_and_is_not_merged_into()
    {
        using var scope = NewDisposeScope();
        using var model = new OneTarget(8, 5, bias: false);
        using var adapter = model.CreateAdapter(new LoraConfig { LoraBias = true });
        var x = Base.Input(3, 8);
        var bare = Values.Matrix(model.call(x));
        using (no_grad())
        {
            adapter.proj.BBias!.fill_(0.5);
        }

        model.ActiveAdapter = adapter;
        Assert.All(bare.Cast<double>().Zip(Values.Flat(model.call(x))), pair => Assert.Equal(pair.First + (4 * 0.5), pair.Second, tolerance: 1e-6));

        model.ActiveAdapter = null;
        var before = Base.Bytes(model);
        var refusal = Assert.Throws<LoraException>(() => model.Merge(adapter)).Message;
        Assert.StartsWith("proj: expected a base with a bias", refusal, StringComparison.Ordinal);
        Assert.Contains("lora_bias", refusal, StringComparison.Ordinal);
        Assert.Equal(before, Base.Bytes(model));
        Assert.Null(model.MergedAdapter);
    }

    [Fact]
    public void With_DoRA_it_is_refused() => Refused(new LoraConfig { LoraBias = true, UseDora = true }, "proj: LoraBias: expected a value false with DoRA");

    [Theory]
    [InlineData(LoraInit.Gaussian)]
    [InlineData(LoraInit.Pissa)]
    [InlineData(LoraInit.Olora)]
    [InlineData(LoraInit.Orthogonal)]
    public void With_a_start_that_PEFT_does_not_have_with_it_it_is_refused(LoraInit init)
        => Refused(new LoraConfig { Rank = 2, LoraBias = true, Init = init }, "expected a value that a B with a bias can begin with: Kaiming or Random");

    [Fact]
    public void An_embedding_is_refused()
    {
        using var model = new OneEmbedding(9, 6);
        Assert.Contains("proj: LoraBias: expected a value false for an embedding", Assert.Throws<LoraException>(() => model.CreateAdapter(new LoraConfig { LoraBias = true })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Slices_are_refused()
    {
        using var model = new OneFused(6, 12);
        Assert.Contains("LoraBias: expected a value false where slices are adapted", Assert.Throws<LoraException>(() => model.CreateAdapter(new LoraConfig { LoraBias = true })).Message, StringComparison.Ordinal);
    }

    private static void Refused(LoraConfig config, string said)
    {
        using var model = new OneTarget(8, 5);
        Assert.Contains(said, Assert.Throws<LoraException>(() => model.CreateAdapter(config)).Message, StringComparison.Ordinal);
    }
}
