using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests;

/// <summary>The snapshots and the tests belong together.</summary>
public sealed class SnapshotFolderTests
{
    [Fact]
    public void Every_snapshot_has_its_test()
    {
        var tests = typeof(SnapshotFolderTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(), (type, method) => $"{type.Name}.{method.Name}.verified.cs")
            .ToHashSet();
        var snapshots = Directory.GetFiles(Snapshot.Folder, "*.verified.*").Select(Path.GetFileName).ToList();

        Assert.NotEmpty(snapshots);
        Assert.DoesNotContain(snapshots, name => !tests.Contains(name!));
    }
}
