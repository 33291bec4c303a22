using System.Diagnostics;

namespace LoraGen.Tests.Files;

/// <summary>Something mounted for a test, which is skipped where that is not allowed: it takes Linux, root, and a container that lets root mount.</summary>
internal sealed class Mount : IDisposable
{
    private readonly string _path;

    private Mount(string path, params string[] arguments)
    {
        _path = path;
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Mounting takes Linux and root.");
        var error = Run("mount", [.. arguments, path]);
        Assert.SkipWhen(error is not null, $"This user may not mount: {error}");
    }

    /// <summary>A small disk in memory.</summary>
    public static Mount SmallDisk(string path, int bytes) => new(path, "-t", "tmpfs", "-o", $"size={bytes}", "loragen");

    /// <summary>A file or folder that is at another place too.</summary>
    public static Mount Bind(string source, string path) => new(path, "--bind", source);

    /// <summary>From now on nothing can be written to it, by root neither.</summary>
    public void MakeReadOnly() => Assert.Null(Run("mount", "-o", "remount,ro", _path));

    public void Dispose() => Run("umount", "--lazy", _path);

    private static string? Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : error.Trim();
    }
}
