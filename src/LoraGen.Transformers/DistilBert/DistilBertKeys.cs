using System.Text.RegularExpressions;
using LoraGen.Transformers.Checkpoints;

namespace LoraGen.Transformers.DistilBert;

/// <summary>How the keys of DistilBERT checkpoints are spelt in the wild.</summary>
internal static partial class DistilBertKeys
{
    private const string Buffers = @"(^|\.)embeddings\.position_ids$";
    private const string Pretraining = @"^vocab_(transform|layer_norm|projector)\.";
    private const string Heads = @"^(pre_classifier|classifier|qa_outputs)\.";

    /// <summary>The keys of the encoder alone, read from a checkpoint with any head.</summary>
    public static CheckpointKeys OfEncoder() => Of(BuffersAndHeads());

    /// <summary>The keys of a classifier of sequences.</summary>
    public static CheckpointKeys OfSequenceClassifier(DistilBertConfig config, int? newLabels)
        => Of(BuffersAndPretraining()).WithHead(SequenceHead(), newLabels, config.InitializerRange);

    /// <summary>The keys of a classifier of tokens.</summary>
    public static CheckpointKeys OfTokenClassifier(DistilBertConfig config, int? newLabels)
        => Of(BuffersAndPretraining()).WithHead(TokenHead(), newLabels, config.InitializerRange);

    private static CheckpointKeys Of(Regex ignored) => new() { Prefix = "distilbert.", Ignored = ignored };

    [GeneratedRegex($"{Buffers}|{Pretraining}|{Heads}")]
    private static partial Regex BuffersAndHeads();

    [GeneratedRegex($"{Buffers}|{Pretraining}")]
    private static partial Regex BuffersAndPretraining();

    [GeneratedRegex(@"^(pre_classifier|classifier)\.")]
    private static partial Regex SequenceHead();

    [GeneratedRegex(@"^classifier\.")]
    private static partial Regex TokenHead();
}
