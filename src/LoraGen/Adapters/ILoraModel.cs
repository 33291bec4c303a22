using System.ComponentModel;
using TorchSharp;

namespace LoraGen;

/// <summary>
/// A base model with a place for an adapter. The generator implements it on every <see cref="LoraModelAttribute"/> class; do not
/// implement it by hand.
/// </summary>
/// <typeparam name="TAdapter">The generated adapter class, which mirrors the model.</typeparam>
public interface ILoraModel<TAdapter>
    where TAdapter : LoraAdapter
{
    /// <summary>
    /// The adapter that every projection adds to its result, or null for the base alone, bit for bit. Swapping adapters is assigning this
    /// property: no weight moves. Setting it on a child changes that part of the model only; a part of an adapter is known to fit it by its
    /// shapes alone.
    /// </summary>
    /// <exception cref="LoraException">
    /// The adapter is disposed, does not fit the model's shapes, was made for a base of other weights, lies on another device, or the
    /// model's weights are merged.
    /// </exception>
    TAdapter? ActiveAdapter { get; set; }

    /// <summary>The adapter that <see cref="Merge"/> wrote into the weights, or null.</summary>
    TAdapter? MergedAdapter { get; }

    /// <summary>
    /// Makes an adapter whose update is zero: A is random and B is 0, of an embedding the other way round; what it saves whole has the base's
    /// values. Freezes the base's parameters.
    /// </summary>
    /// <param name="config">Overrides the attributes; null takes them as they are.</param>
    /// <param name="generator">Source of the random values; null takes torch's global generator.</param>
    /// <exception cref="LoraException">
    /// The config names a projection that is not annotated or a module to save that has other parameters, a value is out of its range, one adapted or saved projection or weight is at two places of
    /// the model, an embedding to adapt or save has a <c>max_norm</c>, a projection is not among the model's registered components, the base is on the meta device, or A and B do not fit into
    /// memory.
    /// </exception>
    TAdapter CreateAdapter(LoraConfig? config = null, torch.Generator? generator = null);

    /// <summary>
    /// Writes W = W0 + (alpha / r) B A, and what the adapter owns (modules, biases, rows), into the base's weights and biases, so that inference costs what the base costs (arXiv 2106.09685,
    /// section 4.1). Computed in fp32 and rounded once to the base's dtype. The adapter is no longer active afterwards, since the
    /// weights carry it. Models that share these weights compute with it too, and refuse adapters of their own until
    /// <see cref="Unmerge"/>. A weight that has two keys in the model, such as that of an embedding tied to a head, is refused; where the model
    /// passes <c>embedding.weight</c> to <c>functional.linear</c> instead, nothing tells of the tie: a merge into the embedding then changes
    /// the head too, so keep that adapter active. The model holds the original weights too: a model that is disposed while merged frees them only when the garbage
    /// collector takes it, or when <see cref="Unmerge"/> is called, which may be after <c>Dispose</c>.
    /// </summary>
    /// <exception cref="LoraException">
    /// A weight would not be finite or is tied to another, B's bias has no bias of the base to be added to, another adapter is active or merged, or the adapter does not fit; the base is then
    /// untouched.
    /// </exception>
    void Merge(TAdapter adapter);

    /// <summary>
    /// Restores the weights that <see cref="Merge"/> replaced, bit for bit. Where the model was moved to another dtype since, they become
    /// W0 rounded once to it. What was disposed since is passed over.
    /// </summary>
    /// <exception cref="LoraException">Nothing is merged here.</exception>
    void Unmerge();

    /// <summary>
    /// Makes the adapter of this object's own class, so that in a list of a base class each child has all of its projections adapted.
    /// Call <see cref="CreateAdapter"/> instead.
    /// </summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    TAdapter NewAdapter(AdapterBuilder builder);

    /// <summary>Hands every part of the model its part of the adapter. Set <see cref="ActiveAdapter"/> instead, which checks first.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    void Attach(TAdapter? adapter);

    /// <summary>Lists every annotated projection beside its update.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    void AddSites(TAdapter adapter, LoraSites sites);
}
