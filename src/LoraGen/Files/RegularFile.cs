namespace LoraGen.Files;

/// <summary>
/// Tells a file that can be read to its end from what may lie in its place. Asked before it is opened: to open a pipe waits for
/// somebody who writes into it.
/// </summary>
internal static class RegularFile
{
    /// <exception cref="LoraException">There is something else: a folder, an empty file, a pipe or a device. Nothing at all is no error.</exception>
    public static void RequireAt(string path)
    {
        if (Other(path) is { } other)
        {
            throw new LoraException($"{path}: expected a regular file that is not empty, found {other}.");
        }
    }

    /// <summary>Whether there is a regular file with bytes in it.</summary>
    public static bool IsAt(string path) => File.Exists(path) && Other(path) is null;

    private static string? Other(string path)
    {
        if (Directory.Exists(path))
        {
            return "a folder";
        }

        try
        {
            // .NET does not tell a pipe from a file, except that a pipe has no length.
            var file = new FileInfo(path);
            return file.Exists && (file.ResolveLinkTarget(returnFinalTarget: true) ?? file) is FileInfo { Exists: true, Length: 0 }
                ? "a file of 0 bytes, a pipe or a device"
                : null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null; // A running save has renamed it in between.
        }
    }
}
