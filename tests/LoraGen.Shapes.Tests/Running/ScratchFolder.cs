namespace LoraGen.Shapes.Tests.Running;

/// <summary>A folder of a test's own, gone when the test ends.</summary>
internal sealed class ScratchFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("loragen-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
