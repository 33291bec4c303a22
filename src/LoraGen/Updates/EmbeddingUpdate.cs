using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>
/// The update of an <c>Embedding</c>: y = W0[ids] + s (B A)^T[ids], weight W0 [num_embeddings, embedding_dim], A [r, num_embeddings],
/// B [embedding_dim, r]. A new A is zero and a new B is drawn from N(0, 1), so that an id which training never saw keeps the base's row
/// (PEFT: <c>lora_embedding_A</c>, <c>lora_embedding_B</c>). See <see cref="LowRankUpdate"/>.
/// </summary>
/// <remarks>
/// As in PEFT, dropout is not applied: an id has no component that could be dropped. TorchSharp does not tell the embedding's
/// <c>padding_idx</c>, <c>scale_grad_by_freq</c> and <c>sparse</c>, which change gradients and no result: A's gradients are those without
/// them, so that the padding's column trains where the loss looks at it. An embedding with <c>max_norm</c> is refused when the adapter is
/// made: it rewrites the base's weight in every call.
/// </remarks>
public sealed partial class EmbeddingUpdate : LowRankUpdate
{
    private EmbeddingUpdate(UpdateParts parts)
        : base(parts, UpdateKind.Embedding)
    {
    }

    /// <exception cref="LoraException">The embedding has a <c>max_norm</c>, and is to be adapted or saved.</exception>
    internal static EmbeddingUpdate Of(Embedding projection, UpdateParts parts)
    {
        var update = new EmbeddingUpdate(parts);
        if (update.HasEffect && MaxNorm.IsSetOn(projection))
        {
            throw new LoraException($"{update.Path}: expected an embedding without max_norm, found one with: every call scales the rows that it looks up down to that norm, in the base's weight itself. Leave it out with {nameof(LoraConfig)}.{nameof(LoraConfig.ExcludeModules)}, or make it without max_norm.");
        }

        return update;
    }

    /// <summary>The base's rows, plus those of the update where there is one. Generated code calls it; it never forms B A.</summary>
    /// <param name="projection">The base's embedding, weight [num_embeddings, embedding_dim].</param>
    /// <param name="update">The update, or null for the base alone.</param>
    /// <param name="ids">[...], each in [0, num_embeddings).</param>
    /// <returns>[..., embedding_dim], in the dtype of the base's weight.</returns>
    /// <exception cref="LoraException">
    /// The update was disposed or the base moved to another device while it was active, or the weight came to carry a merged adapter
    /// through another model that shares it.
    /// </exception>
    public static Tensor Forward(Embedding projection, EmbeddingUpdate? update, Tensor ids)
        => update is { IsActive: true } ? update.Apply(projection, ids) : projection.call(ids);

    private protected override Tensor Compute(nn.Module projection, Tensor ids, Tensor weight, Tensor? bias)
        => weight.index_select(0, ids.reshape(-1)).view([.. ids.shape, weight.shape[1]]);

    internal override int RowAxes => 0;

    internal override Tensor RowsOf(Tensor ids) => ids.reshape(-1);

    internal override Tensor Reduce(nn.Module projection, Tensor ids, Tensor a) => a.t().index_select(0, ids);

    internal override bool Drops(nn.Module projection) => false;
}
