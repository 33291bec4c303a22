namespace LoraGen;

/// <summary>
/// Input or state that LoraGen refuses. The message names the file or place, the key, what was expected and what was found.
/// </summary>
public class LoraException : Exception
{
    /// <summary>Creates the exception with its whole message, of which it makes one line: a path or a key may hold line breaks.</summary>
    public LoraException(string message, Exception? innerException = null)
        : base(OneLine(message), innerException)
    {
    }

    private static string OneLine(string message)
        => string.Concat(message.Select(character => char.IsControl(character) || character is '\u2028' or '\u2029' ? ' ' : character));
}
