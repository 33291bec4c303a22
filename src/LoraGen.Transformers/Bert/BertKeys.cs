using System.Text.RegularExpressions;
using LoraGen.Transformers.Checkpoints;

namespace LoraGen.Transformers.Bert;

/// <summary>How the keys of BERT and RoBERTa checkpoints are spelt in the wild.</summary>
internal static partial class BertKeys
{
    // TensorFlow's names, in bert-base-uncased to this day.
    private static readonly (string, string)[] Endings = [("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias")];

    /// <summary>The keys of the encoder alone, read from a checkpoint with any head.</summary>
    public static CheckpointKeys OfEncoder(BertConfig config, bool pooler)
        => Of(config) with { Ignored = pooler ? BuffersAndHeads() : BuffersHeadsAndPooler(), Head = (Pooler(), "Where the checkpoint is of a model without a pooler, pass pooler: false.") };

    /// <summary>The keys of a classifier of sequences by the pooler. With a new head, a pooler that the file lacks is new too.</summary>
    public static CheckpointKeys OfPooledClassifier(BertConfig config, int? newLabels)
        => (Of(config) with { Ignored = BuffersAndPretraining(), MayBeMissing = newLabels is null ? null : Pooler() }).WithHead(Classifier(), newLabels, config.InitializerRange);

    /// <summary>The keys of a classifier that has no pooler.</summary>
    public static CheckpointKeys OfClassifier(BertConfig config, int? newLabels)
        => (Of(config) with { Ignored = BuffersPretrainingAndPooler() }).WithHead(Classifier(), newLabels, config.InitializerRange);

    private static CheckpointKeys Of(BertConfig config) => new() { Prefix = $"{config.ModelType}.", Endings = Endings };

    private const string Buffers = @"(^|\.)embeddings\.(position_ids|token_type_ids)$";
    private const string Pretraining = @"^(cls|lm_head)\.";
    private const string Heads = @"^(cls|lm_head|classifier|qa_outputs)\.";
    private const string PoolerKeys = @"(^|\.)pooler\.dense\.";

    [GeneratedRegex($"{Buffers}|{Heads}")]
    private static partial Regex BuffersAndHeads();

    [GeneratedRegex($"{Buffers}|{Heads}|{PoolerKeys}")]
    private static partial Regex BuffersHeadsAndPooler();

    [GeneratedRegex($"{Buffers}|{Pretraining}")]
    private static partial Regex BuffersAndPretraining();

    [GeneratedRegex($"{Buffers}|{Pretraining}|{PoolerKeys}")]
    private static partial Regex BuffersPretrainingAndPooler();

    [GeneratedRegex(PoolerKeys)]
    private static partial Regex Pooler();

    [GeneratedRegex(@"^classifier\.")]
    private static partial Regex Classifier();
}
