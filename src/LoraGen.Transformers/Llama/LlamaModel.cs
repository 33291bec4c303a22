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

    internal LlamaModel(LlamaConfig config)
        : base(nameof(LlamaModel))
    {
        _rotary = new RotaryEmbedding(config.HeadDim, config.MaxPositionEmbeddings, config.RopeTheta);
        embed_tokens = Embedding(config.VocabSize, config.HiddenSize);
        layers = new ModuleList<LlamaDecoderLayer>(
            [.. Enumerable.Range(0, config.NumHiddenLayers).Select(layer => new LlamaDecoderLayer(config, layer, _rotary))]);
        norm = new RmsNorm(config.HiddenSize, config.RmsNormEps);
        RegisterComponents();
    }

    /// <summary>The embedding matrix [vocab, hidden]; with tied embeddings it is the output head too.</summary>
    public Parameter TokenEmbedding => embed_tokens.weight!;

    /// <summary>Token ids [batch, time] to hidden states [batch, time, hidden].</summary>
    public override Tensor forward(Tensor ids) => Read(ids, default);

    internal Tensor Read(Tensor ids, AttentionContext context)
    {
        using var scope = NewDisposeScope();
        var x = embed_tokens.call(ids);
        foreach (var layer in layers)
        {
            x = layer.Read(x, context);
        }

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
