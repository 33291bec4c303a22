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
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Embedding embed_tokens;
    private readonly ModuleList<LlamaDecoderLayer> layers;
    private readonly RmsNorm norm;
    private readonly LlamaConfig _config;
    private readonly RotaryEmbedding _rotary;

    internal LlamaModel(LlamaConfig config, Weights weights)
        : base(nameof(LlamaModel))
    {
        _config = config;
        _rotary = new RotaryEmbedding(new(config.HeadDim, config.RopeTheta, config.MaxPositionEmbeddings, config.RopeScaling ?? new()));
        embed_tokens = weights.Embedding(config.VocabSize, config.HiddenSize);
        layers = new ModuleList<LlamaDecoderLayer>(
            [.. Enumerable.Range(0, config.NumHiddenLayers).Select(layer => new LlamaDecoderLayer(config, layer, weights))]);
        norm = new RmsNorm(config.HiddenSize, config.RmsNormEps, weights);
        RegisterComponents();
    }

    /// <summary>The embedding matrix [vocab, hidden]; with tied embeddings it is the output head too.</summary>
    public Parameter TokenEmbedding => embed_tokens.weight!;

    /// <summary>The longest sequence that is read.</summary>
    internal int MaxPositions => (int)Math.Min(int.MaxValue, _rotary.MaxPositions);

    /// <summary>Token ids [batch, time] to hidden states [batch, time, hidden].</summary>
    public override Tensor forward(Tensor ids) => Read(ids, null, null);

    internal Tensor Read(Tensor ids, KeyValueCache? cache, Tensor? tokens)
    {
        using var scope = NewDisposeScope();
        var x = EmbedTokens(ids);
        var context = AttentionContext.Of(ids, cache, tokens, x.dtype, _config.Window);
        if (context.Total > MaxPositions)
        {
            throw new LoraException($"A sequence of {context.Total} tokens is longer than {LongestSequence}.");
        }

        context = context with { Rotary = _rotary.At(context.Positions, context.Total, x.dtype) };

        foreach (var layer in layers)
        {
            x = layer.call(x, context);
        }

        cache?.Advance(ids.shape[1]);
        return norm.call(x).MoveToOuterDisposeScope();
    }

    private string LongestSequence => MaxPositions == _config.MaxPositionEmbeddings
        ? $"max_position_embeddings = {MaxPositions}"
        : $"{MaxPositions}, which is max_position_embeddings = {_config.MaxPositionEmbeddings} stretched by rope_scaling";

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
