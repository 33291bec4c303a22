using LoraGen.Transformers.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Bert;

/// <summary>What a token is, where it stands and which text it is of, summed and normed.</summary>
[LoraModel]
public sealed partial class BertEmbeddings : Module<Tensor, Tensor, Tensor, Tensor>
{
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Embedding word_embeddings;
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Embedding position_embeddings;
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Embedding token_type_embeddings;
    private readonly LayerNorm LayerNorm;
    private readonly double _dropout;

    internal BertEmbeddings(BertConfig config, Weights weights)
        : base(nameof(BertEmbeddings))
    {
        word_embeddings = weights.Embedding(config.VocabSize, config.HiddenSize);
        position_embeddings = weights.Embedding(config.MaxPositionEmbeddings, config.HiddenSize);
        token_type_embeddings = weights.Embedding(config.TypeVocabSize, config.HiddenSize);
        LayerNorm = weights.LayerNorm(config.HiddenSize, config.LayerNormEps);
        _dropout = config.HiddenDropoutProb;
        RegisterComponents();
    }

    /// <summary>Ids and types [batch, time] and positions [batch or 1, time] to [batch, time, hidden].</summary>
    public override Tensor forward(Tensor ids, Tensor tokenTypes, Tensor positions)
    {
        using var scope = NewDisposeScope();
        var sum = WordEmbeddings(ids) + TokenTypeEmbeddings(tokenTypes) + PositionEmbeddings(positions);
        return functional.dropout(LayerNorm.call(sum), _dropout, training).MoveToOuterDisposeScope();
    }
}
