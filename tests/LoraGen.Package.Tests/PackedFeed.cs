using System.IO.Compression;
using System.Reflection;
using System.Runtime.InteropServices;

[assembly: AssemblyFixture(typeof(LoraGen.Package.Tests.PackedFeed))]

namespace LoraGen.Package.Tests;

/// <summary>
/// The repository's packages in a folder, packed once, when a test first asks. Their version is this run's own: NuGet keeps what it once
/// restored, and would hand out the package of an earlier run.
/// </summary>
public sealed class PackedFeed : IDisposable
{
    private static readonly Dictionary<string, string> Build = typeof(PackedFeed).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().ToDictionary(attribute => attribute.Key, attribute => attribute.Value ?? "");

    private readonly ScratchFolder folder = new();
    private readonly Lazy<ProgramRun> packing;

    public PackedFeed() => packing = new Lazy<ProgramRun>(Pack);

    public static string Repository => Build["Repository"];

    /// <summary>Where NuGet keeps the packages that it has restored, and which every project on the machine reads.</summary>
    public static string PackageCache => Build["PackageCache"];

    /// <summary>This machine as a runtime identifier, for example <c>linux-x64</c>.</summary>
    public static string Rid => RuntimeInformation.RuntimeIdentifier;

    /// <summary>0.1.0-test. and a number that no other run has.</summary>
    public string Version { get; } = $"{Build["Version"]}-test.{DateTime.UtcNow:yyyyMMddHHmmssfff}";

    /// <summary>The folder of the packages.</summary>
    public string Path
    {
        get
        {
            Assert.True(packing.Value.ExitCode == 0, packing.Value.Output);
            return folder.Path;
        }
    }

    public ZipArchive Open(string id) => ZipFile.OpenRead(PathOf(id, "nupkg"));

    public string PathOf(string id, string extension) => System.IO.Path.Combine(Path, $"{id}.{Version}.{extension}");

    /// <summary>Runs a command of `dotnet` for which this folder is one more source of packages. Skips the test where the others cannot be reached.</summary>
    public ProgramRun DotNet(string workingDirectory, params string[] arguments)
    {
        var run = ProgramRun.DotNet(workingDirectory, arguments, new() { ["RestoreAdditionalProjectSources"] = Path });
        Assert.SkipWhen(run.Output.Contains("NU1301", StringComparison.Ordinal), $"No package source can be reached for what is not in the package cache yet: {run.Output}");
        return run;
    }

    private ProgramRun Pack()
    {
        ProgramRun? run = null;
        foreach (var project in new[] { "src/LoraGen", "src/LoraGen.Training", "src/LoraGen.Transformers", "templates/LoraGen.Templates" })
        {
            run = ProgramRun.DotNet(Repository, ["pack", project, "-c", Build["Configuration"], "-o", folder.Path, $"-p:PackageVersion={Version}"]);
            if (run.ExitCode != 0) break;
        }
        return run!;
    }

    public void Dispose()
    {
        folder.Dispose();
        foreach (var id in Directory.GetDirectories(PackageCache, "loragen*"))
        {
            var restored = System.IO.Path.Combine(id, Version);
            if (Directory.Exists(restored)) Directory.Delete(restored, recursive: true);
            if (!Directory.EnumerateFileSystemEntries(id).Any()) Directory.Delete(id);
        }
    }
}
