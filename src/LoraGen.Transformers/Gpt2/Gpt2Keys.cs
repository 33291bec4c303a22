using System.Text.RegularExpressions;
using LoraGen.Transformers.Checkpoints;

namespace LoraGen.Transformers.Gpt2;

/// <summary>How the keys of GPT-2 checkpoints are spelt in the wild.</summary>
internal static partial class Gpt2Keys
{
    private const string Prefix = "transformer.";

    public static CheckpointKeys ForLanguageModel(Gpt2Config config) => new()
    {
        Prefix = Prefix,
        Ignored = MaskBuffers(),
        Tied = config.TieWordEmbeddings ? new Dictionary<string, string> { ["lm_head.weight"] = "transformer.wte.weight" } : [],
    };

    public static CheckpointKeys ForClassifier(Gpt2Config config, int? newLabels)
        => new CheckpointKeys { Prefix = Prefix, Ignored = MaskBuffersAndLanguageHead() }.WithHead(Score(), newLabels, config.InitializerRange);

    // The causal mask, which transformers saved until 2023.
    [GeneratedRegex(@"\bh\.\d+\.attn\.(bias|masked_bias)$")]
    private static partial Regex MaskBuffers();

    [GeneratedRegex(@"\bh\.\d+\.attn\.(bias|masked_bias)$|^lm_head\.weight$")]
    private static partial Regex MaskBuffersAndLanguageHead();

    [GeneratedRegex(@"^score\.")]
    private static partial Regex Score();
}
