namespace LoraGen.Files;

/// <summary>
/// Keeps all other saves, of this process and of others, out of a folder while it is held. The system drops it when the process dies.
/// </summary>
/// <remarks>
/// Every save brings a lock file of its own name and, once it holds that one, looks for others. So of two that begin at once, at least
/// one sees the other and gives up; both may. A lock file that nobody holds was left by a process that died, and is removed. On a file
/// system without locks (some network ones), the lock keeps nobody out.
/// </remarks>
internal sealed class FolderLock : IDisposable
{
    private readonly FileStream _own;

    private FolderLock(FileStream own) => _own = own;

    /// <summary>Takes the lock at once or not at all.</summary>
    /// <exception cref="LoraException">Another save holds it, or the folder cannot be written.</exception>
    public static FolderLock Take(string folder)
    {
        var name = $"saving.{Guid.NewGuid():N}.lock";
        FileStream? own = null;
        try
        {
            Directory.CreateDirectory(folder);
            var path = Path.Combine(folder, name);
            own = Hold(path, FileMode.CreateNew);

            // Before it was held, another save could take it for a dead one's and remove it.
            if (!File.Exists(path))
            {
                throw Refused(path);
            }

            var others = Directory.EnumerateFiles(folder, "saving.*.lock").Where(other => Path.GetFileName(other) != name);
            return others.FirstOrDefault(IsHeld) is { } held ? throw Refused(held) : new FolderLock(own);
        }
        catch (Exception e)
        {
            own?.Dispose();
            if (e is IOException or UnauthorizedAccessException)
            {
                throw new LoraException($"{folder}: cannot be written: {e.Message}", e);
            }

            throw;
        }
    }

    private static bool IsHeld(string path)
    {
        try
        {
            using var left = Hold(path, FileMode.Open);
            return false;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    private static LoraException Refused(string held)
        => new($"{held}: expected no other save into this folder, found one that is running. Save again when it has ended, or elsewhere.");

    private static FileStream Hold(string path, FileMode mode) => new(path, mode, FileAccess.Write, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);

    /// <summary>Lets the next save in.</summary>
    public void Dispose() => _own.Dispose();
}
