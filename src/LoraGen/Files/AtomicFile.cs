namespace LoraGen.Files;

/// <summary>Writes a file so that a crash at any moment leaves the old file or the new one, never half of one.</summary>
public static class AtomicFile
{
    /// <summary>Writes to a temporary file in the same folder (made if need be), flushes it to the disk, and renames it over <paramref name="path"/>.</summary>
    /// <exception cref="LoraException">The folder cannot be written, or the disk is full; an older file is left as it was.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        var file = new StagedFile(path);
        try
        {
            file.Write(write);
            file.Commit();
        }
        catch
        {
            file.Discard();
            throw;
        }
    }
}
