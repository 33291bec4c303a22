namespace LoraGen.Peft;

/// <summary>What an adapter is, found out without its base.</summary>
public sealed record PeftInspection
{
    /// <summary>The file that holds the tensors.</summary>
    public required string WeightsPath { get; init; }

    /// <summary>What the adapter's config says.</summary>
    public required PeftCheckpointConfig Config { get; init; }

    /// <summary>Every adapted layer, in ordinal order of the paths.</summary>
    public required IReadOnlyList<PeftUpdateInspection> Updates { get; init; }

    /// <summary>The tensors beside the low-rank ones, such as those of a saved head.</summary>
    public required IReadOnlyList<PeftTensor> Saved { get; init; }

    /// <summary>The number of trained values in the updates.</summary>
    public required long Parameters { get; init; }

    /// <summary>The number of values in <see cref="Saved"/>.</summary>
    public required long SavedParameters { get; init; }

    /// <summary>The Frobenius norm of all updates together; NaN where a value is not finite.</summary>
    public required double Norm { get; init; }

    /// <summary>Whether the adapted base computes exactly what the base does: every A or B is zero, and nothing else was saved.</summary>
    public required bool IsNoOp { get; init; }

    /// <summary>What is unusual, and perhaps a mistake: one sentence each.</summary>
    public required IReadOnlyList<string> Oddities { get; init; }
}
