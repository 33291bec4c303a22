namespace LoraGen.Files;

/// <summary>What a message quotes out of a file: never so much that nobody could read the message, which itself sees to its being one line.</summary>
internal static class Excerpt
{
    private const int LongestText = 200;
    private const int LongestList = 6;

    public static string Of(string text) => text.Length > LongestText ? $"{text[..LongestText]}... ({text.Length} characters)" : text;

    public static string Of(IReadOnlyCollection<string> texts)
        => string.Join(", ", texts.Take(LongestList).Select(Of)) + (texts.Count > LongestList ? $", and {texts.Count - LongestList} more" : "");
}
