namespace LoraGen.Native;

/// <summary>The libtorch that <c>LORAGEN_LIBTORCH</c> asks for cannot be used. The message names the folder, what was expected in it, and the cure.</summary>
public sealed class LibTorchException : LoraException
{
    /// <summary>Creates the exception with its whole message.</summary>
    public LibTorchException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
