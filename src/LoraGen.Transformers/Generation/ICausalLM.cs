using LoraGen.Transformers.Attention;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Generation;

/// <summary>A decoder that can be asked for the next token, whatever its architecture.</summary>
public interface ICausalLM
{
    /// <summary>Number of tokens in the vocabulary.</summary>
    int VocabSize { get; }

    /// <summary>Number of decoder layers, for a <see cref="KeyValueCache"/>.</summary>
    int NumHiddenLayers { get; }

    /// <summary>The longest sequence that the model reads.</summary>
    int MaxPositionEmbeddings { get; }

    /// <summary>Where the weights are, and where ids have to be.</summary>
    Device Device { get; }

    /// <summary>Token ids [batch, time] to the last layer's normed states [batch, time, hidden].</summary>
    /// <param name="ids">Token ids, int64.</param>
    /// <param name="cache">Keys and values of earlier tokens, extended by this call; null to read the whole sequence at once.</param>
    /// <param name="tokens">
    /// True for tokens and false for padding, bool [batch, tokens in the cache + time]; null where nothing is padding. Padding on either side
    /// changes nothing for the tokens.
    /// </param>
    Tensor Hidden(Tensor ids, KeyValueCache? cache = null, Tensor? tokens = null);

    /// <summary>States [..., hidden] to next-token logits [..., vocab]; hand it only the positions whose logits are needed.</summary>
    Tensor Logits(Tensor hidden);
}
