using LoraGen.Transformers.Gpt2;
using LoraGen.Transformers.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Gpt2;

/// <summary>GPT-2 of one unpadded sequence in float64 and in loops, from the paper and from Hugging Face's layout of the weights.</summary>
internal sealed class NaiveGpt2(Gpt2Config config, nn.Module model, LoraAdapter? adapter = null)
{
    private readonly NaiveWeights _weights = new(model, adapter);

    // A tied head is the base's embedding, without what an adapter adds to lookups.
    private readonly NaiveWeights _base = new(model);

    /// <summary>The normed states after each token.</summary>
    public double[][] Hidden(IReadOnlyList<int> ids)
    {
        var width = config.Width;
        var x = ids.Select((id, t) => NaiveLayers.Add(_weights.Row("transformer.wte.weight", id, width), _weights.Row("transformer.wpe.weight", t, width))).ToArray();
        for (var layer = 0; layer < config.NumLayers; layer++)
        {
            var path = $"transformer.h.{layer}";
            var normed = x.Select(v => _weights.LayerNorm($"{path}.ln_1", v, config.LayerNormEpsilon));
            var fused = normed.Select(v => _weights.Conv1D($"{path}.attn.c_attn", v)).ToArray();
            var scale = (config.ScaleAttnWeights ? 1 / Math.Sqrt((double)width / config.NumHeads) : 1) / (config.ScaleAttnByInverseLayerIdx ? layer + 1 : 1);
            var attended = NaiveLayers.Attend(
                [.. fused.Select(v => v[..width])], [.. fused.Select(v => v[width..(2 * width)])], [.. fused.Select(v => v[(2 * width)..])],
                config.NumHeads, scale, (query, key) => key <= query);
            x = [.. x.Zip(attended, (v, a) => NaiveLayers.Add(v, _weights.Conv1D($"{path}.attn.c_proj", a)))];
            x = [.. x.Select(v => NaiveLayers.Add(v, FeedForward(path, _weights.LayerNorm($"{path}.ln_2", v, config.LayerNormEpsilon))))];
        }

        return [.. x.Select(v => _weights.LayerNorm("transformer.ln_f", v, config.LayerNormEpsilon))];
    }

    /// <summary>The next token's logits after each token.</summary>
    public double[][] Logits(IReadOnlyList<int> ids)
        => [.. Hidden(ids).Select(v => config.TieWordEmbeddings ? NaiveLayers.Linear(v, _base["transformer.wte.weight"], null) : _weights.Linear("lm_head", v))];

    /// <summary>The classes' logits.</summary>
    public double[] Classify(IReadOnlyList<int> ids) => _weights.Linear("score", Hidden(ids)[^1]);

    private double[] FeedForward(string path, double[] x)
        => _weights.Conv1D($"{path}.mlp.c_proj", NaiveLayers.Activate(config.ActivationFunction, _weights.Conv1D($"{path}.mlp.c_fc", x)));
}
