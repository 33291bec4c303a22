using LoraGen.Transformers.Gpt2;
using LoraGen.Transformers.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Gpt2;

internal static class TinyGpt2
{
    public static Gpt2Config Config { get; } = new()
    {
        VocabSize = 19,
        NumPositions = 16,
        Width = 24,
        NumLayers = 2,
        NumHeads = 4,
        Inner = 40,
        NumLabels = 3,
    };

    /// <summary>The same, as a file's text.</summary>
    public const string Json =
        """
        { "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 19, "n_positions": 16, "n_ctx": 16, "n_embd": 24, "n_layer": 2, "n_head": 4, "n_inner": 40, "num_labels": 3 }
        """;

    public static Gpt2LMHeadModel Create(Gpt2Config? config = null) => TinyModel.Filled(new Gpt2LMHeadModel(config ?? Config));

    public static double[][] Logits(Gpt2LMHeadModel model, params int[][] ids)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        return TinyModel.Rows(model.call(TinyModel.Ids(ids)));
    }
}
