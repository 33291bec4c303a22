using LoraGen.Transformers.Bert;
using LoraGen.Transformers.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Encoders;

/// <summary>BERT and RoBERTa of one sequence in float64 and in loops, from the papers and from Hugging Face's layout of the weights.</summary>
internal sealed class NaiveBert(BertConfig config, nn.Module model, LoraAdapter? adapter = null) : INaiveEncoder
{
    private readonly NaiveWeights _weights = new(model, adapter);
    private readonly string _prefix = model is BertModel ? "" : $"{config.ModelType}.";

    public double[][] Hidden(int[] ids, bool[] tokens, int[] tokenTypes)
    {
        var width = config.HiddenSize;
        var x = ids.Select((id, t) => Norm("embeddings", NaiveLayers.Add(
            _weights.Row($"{_prefix}embeddings.word_embeddings.weight", id, width),
            NaiveLayers.Add(
                _weights.Row($"{_prefix}embeddings.token_type_embeddings.weight", tokenTypes[t], width),
                _weights.Row($"{_prefix}embeddings.position_embeddings.weight", Position(tokens, t), width))))).ToArray();
        for (var layer = 0; layer < config.NumHiddenLayers; layer++)
        {
            var path = $"encoder.layer.{layer}";
            var attended = NaiveLayers.Attend(
                Project($"{path}.attention.self.query", x), Project($"{path}.attention.self.key", x), Project($"{path}.attention.self.value", x),
                config.NumAttentionHeads, 1 / Math.Sqrt((double)width / config.NumAttentionHeads), (_, key) => tokens[key]);
            x = [.. x.Zip(attended, (v, a) => Norm($"{path}.attention.output", NaiveLayers.Add(v, Linear($"{path}.attention.output.dense", a))))];
            x = [.. x.Select(v => Norm(
                $"{path}.output",
                NaiveLayers.Add(v, Linear($"{path}.output.dense", NaiveLayers.Activate(config.HiddenAct, Linear($"{path}.intermediate.dense", v))))))];
        }

        return x;
    }

    public double[][] ClassifyTokens(double[][] hidden) => [.. hidden.Select(v => _weights.Linear("classifier", v))];

    public double[] ClassifySequence(double[][] hidden)
        => config.ModelType == "bert"
            ? _weights.Linear("classifier", Pool(hidden))
            : _weights.Linear("classifier.out_proj", NaiveLayers.Activate("tanh", _weights.Linear("classifier.dense", hidden[0])));

    public double[] Pool(double[][] hidden) => NaiveLayers.Activate("tanh", Linear("pooler.dense", hidden[0]));

    // BERT counts places; RoBERTa counts tokens from the row after padding's, and gives padding its own row.
    private int Position(bool[] tokens, int place)
    {
        if (config.ModelType == "bert")
            return place;

        var padding = config.PadTokenId ?? 1;
        return tokens[place] ? padding + tokens.Take(place + 1).Count(isToken => isToken) : padding;
    }

    private double[][] Project(string path, double[][] x) => [.. x.Select(v => Linear(path, v))];

    private double[] Linear(string path, double[] x) => _weights.Linear(_prefix + path, x);

    private double[] Norm(string path, double[] x) => _weights.LayerNorm($"{_prefix}{path}.LayerNorm", x, config.LayerNormEps);
}
