using LoraGen.Tests.Reference;
using LoraGen.Transformers.Llama;
using TorchSharp;

namespace LoraGen.Transformers.Tests.Llama;

/// <summary>
/// The Llama family in float64 and in plain loops: RMSNorm, rotary positions in the half-rotation layout, grouped-query causal attention with
/// or without a window, SwiGLU. Read from the papers and from Hugging Face's layout of the weights; it shares no code with the model that it is held against.
/// </summary>
internal sealed class NaiveLlama
{
    private readonly LlamaConfig _config;
    private readonly Dictionary<string, double[]> _weights;

    /// <param name="model">Where the weights are taken from.</param>
    /// <param name="adapter">Added to the weights as s B A.</param>
    public NaiveLlama(LlamaForCausalLM model, LlamaForCausalLM.Adapter? adapter = null)
    {
        _config = model.Config;
        _weights = model.state_dict().ToDictionary(item => item.Key, item => Values.Flat(item.Value));
        foreach (var update in adapter?.Updates ?? [])
        {
            var (a, b, weight) = (Values.Matrix(update.A), Values.Matrix(update.B), _weights[$"{update.Path}.weight"]);
            for (var o = 0; o < b.GetLength(0); o++)
            {
                for (var i = 0; i < a.GetLength(1); i++)
                {
                    for (var k = 0; k < a.GetLength(0); k++)
                        weight[o * a.GetLength(1) + i] += update.Scale.Alpha / update.Scale.Rank * b[o, k] * a[k, i];
                }
            }
        }
    }

    /// <summary>The logits after each token.</summary>
    public double[][] Logits(IReadOnlyList<int> ids)
    {
        var embedding = _weights["model.embed_tokens.weight"];
        var x = ids.Select(id => embedding[(id * _config.HiddenSize)..((id + 1) * _config.HiddenSize)]).ToArray();
        for (var layer = 0; layer < _config.NumHiddenLayers; layer++)
        {
            var path = $"model.layers.{layer}";
            var attended = Attend(path, layer, [.. x.Select(v => Norm($"{path}.input_layernorm", v))]);
            x = [.. x.Zip(attended, Add)];
            x = [.. x.Select(v => Add(v, FeedForward(path, Norm($"{path}.post_attention_layernorm", v))))];
        }

        var head = _config.TieWordEmbeddings ? embedding : _weights["lm_head.weight"];
        return [.. x.Select(v => Times(head, Norm("model.norm", v)))];
    }

    private double[][] Attend(string path, int layer, double[][] x)
    {
        var width = _config.HeadDim;
        var rope = NaiveRope.Of(_config, x.Length);
        var window = Window(layer);
        var queries = Heads("q_proj", "q_norm");
        var keys = Heads("k_proj", "k_norm");
        var values = Heads("v_proj", null);
        var result = new double[x.Length][];
        for (var t = 0; t < x.Length; t++)
        {
            var joined = new double[_config.NumAttentionHeads * width];
            for (var head = 0; head < _config.NumAttentionHeads; head++)
            {
                // Query heads 0, 1 share key-value head 0, and so on.
                var shared = head / (_config.NumAttentionHeads / _config.NumKeyValueHeads);
                var first = Math.Max(0, t + 1 - window);
                var scores = Enumerable.Range(first, t + 1 - first)
                    .Select(s => queries[t][head].Zip(keys[s][shared], (q, k) => q * k).Sum() / Math.Sqrt(width)).ToArray();
                var exponentials = scores.Select(score => Math.Exp(score - scores.Max())).ToArray();
                for (var s = first; s <= t; s++)
                {
                    for (var i = 0; i < width; i++)
                        joined[head * width + i] += exponentials[s - first] / exponentials.Sum() * values[s][shared][i];
                }
            }

            result[t] = Project($"{path}.self_attn.o_proj", joined);
        }

        return result;

        double[][][] Heads(string name, string? norm)
            => [.. x.Select((v, position) => Project($"{path}.self_attn.{name}", v).Chunk(width)
                .Select(head => norm is null ? head : Turn(_weights.ContainsKey($"{path}.self_attn.{norm}.weight") ? Norm($"{path}.self_attn.{norm}", head) : head, position, rope))
                .ToArray())];
    }

    // How many tokens a query of this layer looks back on, itself included.
    private int Window(int layer) => _config.ModelType switch
    {
        "mistral" => _config.SlidingWindow ?? int.MaxValue,
        "qwen2" or "qwen3" when !_config.UseSlidingWindow => int.MaxValue,
        "qwen2" or "qwen3" when _config.LayerTypes is not null => _config.LayerTypes[layer] == "sliding_attention" ? _config.SlidingWindow!.Value : int.MaxValue,
        "qwen2" or "qwen3" => layer < _config.MaxWindowLayers ? int.MaxValue : _config.SlidingWindow!.Value,
        _ => int.MaxValue,
    };

    // The first half of a head is the real part and the second half the imaginary part of width / 2 complex numbers.
    private static double[] Turn(double[] head, int position, (double[] Frequencies, double Factor) rope)
    {
        var half = head.Length / 2;
        var result = new double[head.Length];
        for (var i = 0; i < half; i++)
        {
            var angle = position * rope.Frequencies[i];
            result[i] = rope.Factor * (head[i] * Math.Cos(angle) - head[i + half] * Math.Sin(angle));
            result[i + half] = rope.Factor * (head[i + half] * Math.Cos(angle) + head[i] * Math.Sin(angle));
        }

        return result;
    }

    private double[] FeedForward(string path, double[] x)
    {
        var gate = Project($"{path}.mlp.gate_proj", x);
        var up = Project($"{path}.mlp.up_proj", x);
        return Project($"{path}.mlp.down_proj", [.. gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)]);
    }

    private double[] Project(string path, double[] x)
    {
        var result = Times(_weights[$"{path}.weight"], x);
        return _weights.TryGetValue($"{path}.bias", out var bias) ? Add(result, bias) : result;
    }

    private double[] Norm(string path, double[] x)
    {
        var root = Math.Sqrt(x.Select(v => v * v).Average() + _config.RmsNormEps);
        return [.. x.Zip(_weights[$"{path}.weight"], (v, gain) => v / root * gain)];
    }

    private static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];

    private static double[] Times(double[] matrix, double[] x)
    {
        var result = new double[matrix.Length / x.Length];
        for (var row = 0; row < result.Length; row++)
        {
            for (var column = 0; column < x.Length; column++)
                result[row] += matrix[row * x.Length + column] * x[column];
        }

        return result;
    }
}
