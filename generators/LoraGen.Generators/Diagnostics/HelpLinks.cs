namespace LoraGen.Generators.Diagnostics;

/// <summary>The page of each rule.</summary>
internal static class HelpLinks
{
    public const string Category = "LoraGen";

    public static string For(string id) => $"https://github.com/loragen/loragen/blob/main/docs/diagnostics/{id}.md";
}
