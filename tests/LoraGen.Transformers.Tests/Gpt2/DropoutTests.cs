using LoraGen.Transformers.Gpt2;
using LoraGen.Transformers.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Gpt2;

/// <summary>The base's own dropouts: each is drawn in training, and none at inference.</summary>
public sealed class DropoutTests
{
    private static readonly int[] Ids = [3, 18, 0, 7, 7, 11, 2, 5];

    public static TheoryData<double, double, double> Each => new() { { 0.5, 0, 0 }, { 0, 0.5, 0 }, { 0, 0, 0.5 } };

    [Theory]
    [MemberData(nameof(Each))]
    public void Each_is_drawn_in_training_alone(double embedding, double residual, double attention)
    {
        using var model = TinyGpt2.Create(Config(embedding, residual, attention));
        Assert.Equal(TinyGpt2.Logits(model, Ids), TinyGpt2.Logits(model, Ids));
        model.train();
        Assert.NotEqual(TinyGpt2.Logits(model, Ids), TinyGpt2.Logits(model, Ids));
        model.eval();
        TinyModel.AssertClose(new NaiveGpt2(model.Config, model).Logits(Ids), TinyGpt2.Logits(model, Ids));
    }

    [Fact]
    public void None_leaves_training_as_it_is_at_inference()
    {
        using var model = TinyGpt2.Create(Config(0, 0, 0));
        var expected = TinyGpt2.Logits(model, Ids);
        model.train();
        Assert.Equal(expected, TinyGpt2.Logits(model, Ids));
    }

    private static Gpt2Config Config(double embedding, double residual, double attention)
        => TinyGpt2.Config with { EmbdPdrop = embedding, ResidPdrop = residual, AttnPdrop = attention };
}
