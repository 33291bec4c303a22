namespace LoraGen.Tests.Files;

/// <summary>A folder of a test's own, gone when the test ends.</summary>
internal sealed class ScratchFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("loragen-").FullName;

    public string PathOf(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>The names of all files in it, in ordinal order.</summary>
    public IEnumerable<string> Names() => Directory.GetFiles(Path).Select(file => System.IO.Path.GetFileName(file)).Order(StringComparer.Ordinal);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
