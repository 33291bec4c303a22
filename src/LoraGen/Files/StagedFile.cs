namespace LoraGen.Files;

/// <summary>
/// A file that is written under a temporary name in the folder where it will lie, flushed to the disk, and only then renamed: a reader
/// sees the old file or the new one, never half of one.
/// </summary>
internal sealed class StagedFile(string path)
{
    private readonly string _temporary = $"{path}.{Guid.NewGuid():N}.tmp";

    /// <summary>Where the file lies until <see cref="Commit"/>.</summary>
    public string TemporaryPath => _temporary;

    /// <summary>The files that were staged for <paramref name="path"/> and are there still: of a save that is running, or was cut off.</summary>
    public static IEnumerable<string> AllOf(string path)
        => Directory.EnumerateFiles(Path.GetDirectoryName(Path.GetFullPath(path))!, $"{Path.GetFileName(path)}.*.tmp");

    /// <summary>Writes the file under its temporary name, and the folder where there is none.</summary>
    /// <exception cref="LoraException">The folder cannot be written, or the disk is full.</exception>
    public void Write(Action<Stream> write) => Typed(() =>
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        using var stream = new FileStream(_temporary, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        write(stream);
        stream.Flush(flushToDisk: true);
    });

    /// <summary>Renames it over the old file. A symbolic link is replaced, and what it points to stays as it is.</summary>
    /// <exception cref="LoraException">Something that cannot be replaced is in the way.</exception>
    public void Commit() => Typed(() => File.Move(_temporary, path, overwrite: true));

    /// <summary>Removes what was written, after a failure.</summary>
    public void Discard() => Remove(_temporary);

    /// <summary>Removes a staged file where that can be done. Where not, it is only in the way of nothing.</summary>
    public static void Remove(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private void Typed(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LoraException($"{path}: cannot be written: {e.Message}", e);
        }
    }
}
