using LoraGen.Transformers.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.DistilBert;

/// <summary>What a token is and where it stands, summed and normed.</summary>
[LoraModel]
public sealed partial class DistilBertEmbeddings : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Embedding word_embeddings;
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Embedding position_embeddings;
    private readonly LayerNorm LayerNorm;
    private readonly double _dropout;

    internal DistilBertEmbeddings(DistilBertConfig config, Weights weights)
        : base(nameof(DistilBertEmbeddings))
    {
        word_embeddings = weights.Embedding(config.VocabSize, config.Dim);
        position_embeddings = weights.Embedding(config.MaxPositionEmbeddings, config.Dim);
        LayerNorm = weights.LayerNorm(config.Dim, DistilBertLayer.LayerNormEps);
        _dropout = config.Dropout;
        RegisterComponents();
    }

    /// <summary>Ids [batch, time] to [batch, time, dim].</summary>
    public override Tensor forward(Tensor ids)
    {
        using var scope = NewDisposeScope();
        var sum = WordEmbeddings(ids) + PositionEmbeddings(arange(ids.shape[1], device: ids.device).unsqueeze(0));
        return functional.dropout(LayerNorm.call(sum), _dropout, training).MoveToOuterDisposeScope();
    }
}
