namespace LoraGen;

/// <summary>The one dropout of an adapter, for which PEFT's format has one place.</summary>
internal static class SharedDropout
{
    /// <summary>That of the updates that drop inputs; an embedding's, which has no effect, counts where there is no other.</summary>
    public static double Of(IReadOnlyList<LowRankUpdate> updates) => (updates.FirstOrDefault(update => update is not EmbeddingUpdate) ?? updates.FirstOrDefault())?.Dropout ?? 0;
}
