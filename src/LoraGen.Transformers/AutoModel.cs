using LoraGen.Transformers.Bert;
using LoraGen.Transformers.Checkpoints;
using LoraGen.Transformers.DistilBert;
using LoraGen.Transformers.Gpt2;
using LoraGen.Transformers.Llama;
using LoraGen.Transformers.Roberta;
using static TorchSharp.torch;

namespace LoraGen.Transformers;

/// <summary>Loads a checkpoint folder as the class that its <c>config.json</c> names.</summary>
public static class AutoModel
{
    private delegate IPretrainedModel Loader(string folder, ScalarType? dtype, Device? device);

    private static readonly Dictionary<string, Loader> Loaders = new(StringComparer.Ordinal)
    {
        ["LlamaForCausalLM"] = LlamaForCausalLM.Load,
        ["MistralForCausalLM"] = LlamaForCausalLM.Load,
        ["Qwen2ForCausalLM"] = LlamaForCausalLM.Load,
        ["Qwen3ForCausalLM"] = LlamaForCausalLM.Load,
        ["GPT2LMHeadModel"] = Gpt2LMHeadModel.Load,
        ["GPT2ForSequenceClassification"] = (folder, dtype, device) => Gpt2ForSequenceClassification.Load(folder, dtype, device),
        ["BertModel"] = (folder, dtype, device) => BertModel.Load(folder, dtype, device),
        ["BertForSequenceClassification"] = (folder, dtype, device) => BertForSequenceClassification.Load(folder, dtype, device),
        ["BertForTokenClassification"] = (folder, dtype, device) => BertForTokenClassification.Load(folder, dtype, device),
        ["RobertaModel"] = (folder, dtype, device) => BertModel.Load(folder, dtype, device),
        ["RobertaForSequenceClassification"] = (folder, dtype, device) => RobertaForSequenceClassification.Load(folder, dtype, device),
        ["RobertaForTokenClassification"] = (folder, dtype, device) => RobertaForTokenClassification.Load(folder, dtype, device),
        ["DistilBertModel"] = DistilBertModel.Load,
        ["DistilBertForSequenceClassification"] = (folder, dtype, device) => DistilBertForSequenceClassification.Load(folder, dtype, device),
        ["DistilBertForTokenClassification"] = (folder, dtype, device) => DistilBertForTokenClassification.Load(folder, dtype, device),
    };

    internal static bool Implements(string architecture) => Loaders.ContainsKey(architecture);

    /// <summary>Loads a model; cast it to its class, or to <see cref="Generation.ICausalLM"/> where it is one.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="dtype">Element type to hold the weights in; by default the checkpoint's own.</param>
    /// <param name="device">Where to hold them; by default the CPU.</param>
    /// <exception cref="LoraException">The architecture is not implemented; or as the class's own <c>Load</c> says.</exception>
    public static IPretrainedModel Load(string folder, ScalarType? dtype = null, Device? device = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        var config = ConfigFile.Read(Path.Combine(folder, ConfigFile.Name));
        return Loaders.TryGetValue(config.Architecture(), out var load)
            ? load(folder, dtype, device)
            : throw config.Refusal("architectures", $"one of {string.Join(", ", Loaders.Keys)}", config.Architecture());
    }
}
