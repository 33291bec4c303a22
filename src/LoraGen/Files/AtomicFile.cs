namespace LoraGen.Files;

/// <summary>Writes a file so that a crash at any moment leaves the old file or the new one, never half of one.</summary>
public static class AtomicFile
{
    /// <summary>Writes to a temporary file in the same folder (made if need be), flushes it to the disk, and renames it over <paramref name="path"/>.</summary>
    /// <exception cref="LoraException">The folder cannot be written, or the disk is full; an older file is left as it was.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        var temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e)
        {
            if (File.Exists(temporary))
            {
                File.Delete(temporary);
            }

            if (e is IOException or UnauthorizedAccessException)
            {
                throw new LoraException($"{path}: cannot be written: {e.Message}", e);
            }

            throw;
        }
    }
}
