using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests;

/// <summary>The snapshots and the tests belong together.</summary>
public sealed class SnapshotFolderTests
{
    [Fact]
    public void Every_snapshot_has_its_test()
    {
        var tests = ShapeFiles.Shapes.Select(shape => $"{nameof(GeneratedCodeTests)}.{shape}.verified.cs");
        var snapshots = Directory.GetFiles(Snapshot.Folder, "*.verified.*").Select(Path.GetFileName);

        Assert.NotEmpty(tests);
        Assert.Equal(tests, snapshots.Order(StringComparer.Ordinal));
    }
}
