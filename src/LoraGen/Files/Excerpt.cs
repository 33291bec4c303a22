namespace LoraGen.Files;

/// <summary>What a message quotes out of a file: on one line, and never so much that nobody could read the message.</summary>
internal static class Excerpt
{
    private const int LongestText = 200;
    private const int LongestList = 6;

    public static string Of(string text)
    {
        var shown = string.Concat(text.Take(LongestText).Select(character => char.IsControl(character) ? ' ' : character));
        return text.Length > LongestText ? $"{shown}... ({text.Length} characters)" : shown;
    }

    public static string Of(IReadOnlyCollection<string> texts)
        => string.Join(", ", texts.Take(LongestList).Select(Of)) + (texts.Count > LongestList ? $", and {texts.Count - LongestList} more" : "");
}
