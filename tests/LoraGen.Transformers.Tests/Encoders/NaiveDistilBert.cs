using LoraGen.Transformers.DistilBert;
using LoraGen.Transformers.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Encoders;

/// <summary>DistilBERT of one sequence in float64 and in loops, from the paper and from Hugging Face's layout of the weights.</summary>
internal sealed class NaiveDistilBert(DistilBertConfig config, nn.Module model, LoraAdapter? adapter = null) : INaiveEncoder
{
    private readonly NaiveWeights _weights = new(model, adapter);
    private readonly string _prefix = model is DistilBertModel ? "" : "distilbert.";

    public double[][] Hidden(int[] ids, bool[] tokens, int[] tokenTypes)
    {
        var x = ids.Select((id, t) => Norm("embeddings.LayerNorm", NaiveLayers.Add(
            _weights.Row($"{_prefix}embeddings.word_embeddings.weight", id, config.Dim),
            _weights.Row($"{_prefix}embeddings.position_embeddings.weight", t, config.Dim)))).ToArray();
        for (var layer = 0; layer < config.NumLayers; layer++)
        {
            var path = $"transformer.layer.{layer}";
            var attended = NaiveLayers.Attend(
                Project($"{path}.attention.q_lin", x), Project($"{path}.attention.k_lin", x), Project($"{path}.attention.v_lin", x),
                config.NumHeads, 1 / Math.Sqrt((double)config.Dim / config.NumHeads), (_, key) => tokens[key]);
            x = [.. x.Zip(attended, (v, a) => Norm($"{path}.sa_layer_norm", NaiveLayers.Add(v, Linear($"{path}.attention.out_lin", a))))];
            x = [.. x.Select(v => Norm(
                $"{path}.output_layer_norm",
                NaiveLayers.Add(v, Linear($"{path}.ffn.lin2", NaiveLayers.Activate(config.Activation, Linear($"{path}.ffn.lin1", v))))))];
        }

        return x;
    }

    public double[][] ClassifyTokens(double[][] hidden) => [.. hidden.Select(v => _weights.Linear("classifier", v))];

    public double[] ClassifySequence(double[][] hidden)
        => _weights.Linear("classifier", NaiveLayers.Activate("relu", _weights.Linear("pre_classifier", hidden[0])));

    private double[][] Project(string path, double[][] x) => [.. x.Select(v => Linear(path, v))];

    private double[] Linear(string path, double[] x) => _weights.Linear(_prefix + path, x);

    private double[] Norm(string path, double[] x) => _weights.LayerNorm(_prefix + path, x, eps: 1e-12);
}
