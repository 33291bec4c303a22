using System.Runtime.CompilerServices;

namespace LoraGen.Files;

/// <summary>A path that a caller gave.</summary>
internal static class GivenPath
{
    /// <exception cref="ArgumentException">It is null, empty or white space.</exception>
    /// <exception cref="LoraException">It holds a NUL, which no system takes.</exception>
    public static void Require(string path, [CallerArgumentExpression(nameof(path))] string? parameter = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path, parameter);
        if (path.Contains('\0'))
        {
            throw new LoraException($"{path}: expected a path without a NUL character, found one at position {path.IndexOf('\0')}.");
        }
    }
}
