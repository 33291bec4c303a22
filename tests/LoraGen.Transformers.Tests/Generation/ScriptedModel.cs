using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Generation;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Generation;

/// <summary>A decoder that writes one text, whatever the prompt is: its n-th pass names the n-th token.</summary>
internal sealed class ScriptedModel(int vocabulary, IReadOnlyList<int> script) : ICausalLM
{
    private int _passes;

    public int VocabSize => vocabulary;

    public int NumHiddenLayers => 1;

    public int MaxPositionEmbeddings => 4096;

    public Device Device => CPU;

    /// <summary>Called with each pass of the model, on the thread that makes it, with its number.</summary>
    public Action<int>? OnPass { get; set; }

    public Tensor Hidden(Tensor ids, KeyValueCache? cache = null, Tensor? tokens = null)
    {
        OnPass?.Invoke(_passes);
        var result = zeros(ids.shape[0], ids.shape[1], vocabulary);
        result.select(2, script[_passes++ % script.Count]).fill_(1).Dispose();
        return result;
    }

    public Tensor Logits(Tensor hidden) => hidden.alias();
}
