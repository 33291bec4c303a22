namespace LoraGen.Generators;

/// <summary>The names of the pipeline's steps, by which tests ask what was computed again.</summary>
public static class TrackingNames
{
    public const string Models = nameof(Models);
}
