namespace LoraGen;

/// <summary>An adapter that begins with activations, and what they said.</summary>
/// <param name="Adapter">Not yet active; the caller's to dispose.</param>
/// <param name="Targets">One for each projection that the config adapts, in the order of the model's source.</param>
public sealed record EvaStart<TAdapter>(TAdapter Adapter, IReadOnlyList<EvaTarget> Targets)
    where TAdapter : LoraAdapter;
