using LoraGen.Transformers.Gpt2;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Benchmarks.Models;

/// <summary>GPT-2 in the shape of its smallest checkpoint, with random weights and without dropout.</summary>
internal static class SmallGpt2
{
    public const int Vocabulary = 50257;

    private const int Layers = 12, Heads = 12, Positions = 1024;

    public static Gpt2LMHeadModel Create(Device device, ScalarType dtype = ScalarType.Float32)
        => Create(device, dtype, Layers, Projection.Width, Vocabulary, Positions);

    /// <summary>As many layers of next to no width: what the number of layers alone costs.</summary>
    public static Gpt2LMHeadModel CreateThin(Device device, int layers)
        => Create(device, ScalarType.Float32, layers, width: Heads, vocabulary: Heads, positions: Heads);

    private static Gpt2LMHeadModel Create(Device device, ScalarType dtype, int layers, int width, int vocabulary, int positions)
    {
        var model = new Gpt2LMHeadModel(new Gpt2Config
        {
            VocabSize = vocabulary,
            NumPositions = positions,
            Width = width,
            NumLayers = layers,
            NumHeads = Heads,
            ResidPdrop = 0,
            EmbdPdrop = 0,
            AttnPdrop = 0,
        });
        Randoms.Fill(model);
        return model.to(dtype).to(device);
    }
}
