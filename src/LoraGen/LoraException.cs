namespace LoraGen;

/// <summary>
/// Input or state that LoraGen refuses. The message names the file or place, the key, what was expected and what was found.
/// </summary>
public class LoraException : Exception
{
    /// <summary>Creates the exception with its whole message.</summary>
    public LoraException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
