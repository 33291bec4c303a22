using TorchSharp.Modules;

namespace LoraGen;

// Rows of an embedding that the adapter owns.
public abstract partial class LowRankUpdate
{
    private const string TokenRowsName = "token_adapter.trainable_tokens_delta";

    private IReadOnlyList<int> _tokenIds = [];
    private Parameter? _tokenRows;

    /// <summary>The ids whose rows <see cref="TokenRows"/> are; empty where there are none.</summary>
    public IReadOnlyList<int> TokenIds => _tokenIds;

    /// <summary>
    /// The rows [n, dim] that stand in for the embedding's at <see cref="TokenIds"/>, in fp32 (in float64 where the base is); a new one has
    /// the base's (PEFT: <c>trainable_token_indices</c>; its key <c>trainable_tokens_delta</c> names the rows themselves, not what they
    /// differ by). Null where there are none. Write into it in training mode only, like <see cref="A"/>.
    /// </summary>
    public Parameter? TokenRows => _tokenRows;
}
