namespace LoraGen.Generators;

/// <summary>The names of the pipeline's steps, by which tests ask what was computed again.</summary>
public static class TrackingNames
{
    /// <summary>What was read of each class with the attribute; Roslyn has this done again after every edit.</summary>
    public const string Gathered = nameof(Gathered);

    /// <summary>The same of the classes that are written for; from here on, what is equal is not done again.</summary>
    public const string Models = nameof(Models);
}
