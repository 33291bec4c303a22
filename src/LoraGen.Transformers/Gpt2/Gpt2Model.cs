using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Gpt2;

/// <summary>The decoder without a head (Hugging Face: <c>GPT2Model</c>).</summary>
[LoraModel]
public sealed partial class Gpt2Model : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Embedding wte;
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false)] private readonly Embedding wpe;
    private readonly ModuleList<Gpt2Block> h;
    private readonly LayerNorm ln_f;
    private readonly Gpt2Config _config;

    internal Gpt2Model(Gpt2Config config, Weights weights)
        : base(nameof(Gpt2Model))
    {
        config.Check(nameof(Gpt2Config));
        _config = config;
        wte = weights.Embedding(config.VocabSize, config.Width);
        wpe = weights.Embedding(config.NumPositions, config.Width);
        h = new ModuleList<Gpt2Block>([.. Enumerable.Range(0, config.NumLayers).Select(layer => new Gpt2Block(config, layer, weights))]);
        ln_f = weights.LayerNorm(config.Width, config.LayerNormEpsilon);
        RegisterComponents();
    }

    /// <summary>The embedding matrix [vocab, width]; with tied embeddings it is the output head too.</summary>
    public Parameter TokenEmbedding => wte.weight!;

    /// <summary>Token ids [batch, time] to hidden states [batch, time, width].</summary>
    public override Tensor forward(Tensor ids) => Read(ids, null, null);

    internal Tensor Read(Tensor ids, KeyValueCache? cache, Tensor? tokens)
    {
        using var scope = NewDisposeScope();
        var x = Wte(ids);
        var context = AttentionContext.Of(ids, cache, tokens, x.dtype);
        if (context.Total > _config.NumPositions)
        {
            throw new LoraException($"A sequence of {context.Total} tokens is longer than n_positions = {_config.NumPositions}.");
        }

        x = functional.dropout(x + Wpe(context.Positions), _config.EmbdPdrop, training);
        foreach (var block in h)
        {
            x = block.call(x, context);
        }

        cache?.Advance(ids.shape[1]);
        return ln_f.call(x).MoveToOuterDisposeScope();
    }
}
