using static TorchSharp.torch.nn;

namespace LoraGen;

/// <content>Another update's values in this one's tensors.</content>
public abstract partial class LowRankUpdate
{
    /// <summary>Checks that nothing but values is different.</summary>
    /// <param name="other">An update of the same projection.</param>
    /// <param name="folder">Where it comes from.</param>
    /// <exception cref="LoraException">Something else is, so that the tensors cannot take it.</exception>
    internal void RequireSwappable(LowRankUpdate other, string folder)
    {
        if (_start is not null)
        {
            throw new LoraException($"HotSwap: {Path}: expected an adapter that is A and B alone, found one that keeps its start out of the base beside them ({nameof(LoraConfig.Init)}). Save it and load it again first.");
        }

        if (!other.HasEffect)
        {
            if (!IsSaved && (OwnsBias || TokenRows is not null))
            {
                throw new LoraException($"HotSwap: {Path}: expected a {(OwnsBias ? "bias" : "row for each token")} of its own, as in the adapter to swap into, found none in {folder}. Load that as an adapter of its own.");
            }

            return;
        }

        if (!HasEffect)
        {
            throw new LoraException($"HotSwap: {Path}: expected no update, as in the adapter to swap into, found one in {folder}. Load that as an adapter of its own, or make one that adapts this projection too.");
        }

        RequireSame("modules_to_save", IsSaved, other.IsSaved);
        RequireSame("r", Scale.Rank, other.Scale.Rank);
        RequireSame("scale (lora_alpha, use_rslora)", Scale.Factor, other.Scale.Factor);
        RequireSame("lora_dropout", Dropout, other.Dropout);
        RequireSame("use_dora", Magnitude is not null, other.Magnitude is not null);
        RequireSame("trainable_token_indices", Ids(this), Ids(other));
        RequireSame("tensors", Tensors(this), Tensors(other));

        void RequireSame<T>(string what, T expected, T found)
        {
            if (!Equals(expected, found))
            {
                throw new LoraException(FormattableString.Invariant($"HotSwap: {Path}: {what}: expected {expected} as in the adapter to swap into, found {found} in {folder}. Load that as an adapter of its own."));
            }
        }

        // Rows of other ids have the same shape.
        static string Ids(LowRankUpdate update) => $"[{string.Join(", ", update.TokenIds)}]";

        static string Tensors(LowRankUpdate update)
            => string.Join(", ", update.named_parameters().Select(item => $"{item.name} [{string.Join(", ", item.parameter.shape)}]").Order(StringComparer.Ordinal));
    }

    /// <summary>Takes the values of an update that is swappable, or of none: then it becomes zero, and what is saved whole the base's.</summary>
    internal void TakeFrom(LowRankUpdate other, Module projection)
    {
        DropKept();
        foreach (var (name, parameter) in named_parameters())
        {
            if (other.HasEffect)
            {
                parameter.copy_(other.get_parameter(name)!);
            }
            else if (IsSaved)
            {
                parameter.copy_(projection.get_parameter(name)!);
            }
            else
            {
                parameter.zero_();
            }
        }

        if (!other.HasEffect)
        {
            InitialiseMagnitude(projection);
        }
    }
}
