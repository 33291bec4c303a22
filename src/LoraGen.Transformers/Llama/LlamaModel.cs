using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Llama;

/// <summary>The decoder without its output head (Hugging Face: <c>LlamaModel</c>).</summary>
[LoraModel]
public sealed partial class LlamaModel : Module<Tensor, Tensor>
{
    private readonly Embedding embed_tokens;
    private readonly ModuleList<LlamaDecoderLayer> layers;
    private readonly RmsNorm norm;
    private readonly RotaryEmbedding _rotary;
    private readonly int _maxPositions;

    internal LlamaModel(LlamaConfig config, Weights weights)
        : base(nameof(LlamaModel))
    {
        _maxPositions = config.MaxPositionEmbeddings;
        _rotary = new RotaryEmbedding(config.HeadDim, config.MaxPositionEmbeddings, config.RopeTheta);
        embed_tokens = weights.Embedding(config.VocabSize, config.HiddenSize);
        layers = new ModuleList<LlamaDecoderLayer>(
            [.. Enumerable.Range(0, config.NumHiddenLayers).Select(layer => new LlamaDecoderLayer(config, layer, _rotary, weights))]);
        norm = new RmsNorm(config.HiddenSize, config.RmsNormEps, weights);
        RegisterComponents();
    }

    /// <summary>The embedding matrix [vocab, hidden]; with tied embeddings it is the output head too.</summary>
    public Parameter TokenEmbedding => embed_tokens.weight!;

    /// <summary>Token ids [batch, time] to hidden states [batch, time, hidden].</summary>
    public override Tensor forward(Tensor ids) => Read(ids, null, null);

    internal Tensor Read(Tensor ids, KeyValueCache? cache, Tensor? tokens)
    {
        using var scope = NewDisposeScope();
        var x = embed_tokens.call(ids);
        var context = AttentionContext.Of(ids, cache, tokens, x.dtype);
        if (context.Total > _maxPositions)
        {
            throw new LoraException($"A sequence of {context.Total} tokens is longer than max_position_embeddings = {_maxPositions}.");
        }

        foreach (var layer in layers)
        {
            x = layer.call(x, context);
        }

        cache?.Advance(ids.shape[1]);
        return norm.call(x).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _rotary.Dispose();
        }

        base.Dispose(disposing);
    }
}
