using System.IO.Compression;

namespace LoraGen.Package.Tests;

/// <summary>A project outside the repository, which has the packages and nothing else: Consumer/, built, run and published.</summary>
public sealed class ConsumerTests : IDisposable
{
    private const string Expected = """
        Ten steps lowered the loss: True
        The output is W0 x + b + (alpha / r) B A x: True
        Loaded as it was saved: True, unlike the base: True
        adapter_config.json, adapter_model.safetensors

        """;

    private readonly PackedFeed feed;
    private readonly ScratchFolder folder = new();

    public ConsumerTests(PackedFeed feed)
    {
        this.feed = feed;
        foreach (var file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Consumer")))
        {
            folder.Write(Path.GetFileName(file), File.ReadAllBytes(file));
        }
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("LoraGen", "")] // the SDK's own compiler
    [InlineData("LoraGen", "4.14.0")] // the oldest that the generator runs in
    [InlineData("LoraGen.Training", "")] // whose dependency brings the generator and the build steps
    public void Is_built_without_a_warning_and_trains_saves_and_loads(string package, string roslyn)
    {
        Succeeds(Build(package, roslyn));

        Assert.Equal(Expected, Succeeds(Run("dotnet", "bin/Debug/net10.0/Consumer.dll")).ReplaceLineEndings("\n"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("4.14.0")]
    public void Hears_the_analyzers_in_its_build(string roslyn)
    {
        var run = Build("LoraGen", roslyn, "-p:DefineConstants=BYPASS");

        Assert.NotEqual(0, run.ExitCode);
        Assert.Matches(@"Program\.cs\(\d+,\d+\): error LORA005: .*proj.*Proj", run.Output);
    }

    [Fact]
    public void Is_told_which_package_to_add_where_no_backend_is_there()
    {
        var run = Build("LoraGen", "", "-p:WithoutBackend=true");

        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains("error LORABUILD4: Consumer is a program or test project, and no package brings it libtorch", run.Output, StringComparison.Ordinal);
        Assert.Contains("dotnet add package TorchSharp-cpu", run.Output, StringComparison.Ordinal);
        Succeeds(Build("LoraGen", "", "-p:WithoutBackend=true", "-p:TorchBackend=system"));
    }

    [Fact]
    public void Is_told_for_which_platforms_its_backend_is()
    {
        var run = Build("LoraGen", "", "-r", "linux-arm64");

        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains("libtorch for linux-arm64", run.Output, StringComparison.Ordinal);
        Assert.Contains("TorchSharp-cpu has it for linux-x64, osx-arm64 and win-x64", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("TorchBackend", "LORABUILD3")]
    [InlineData("MendLibTorchSharp", "LORABUILD5")]
    public void Is_told_of_a_mistyped_property(string property, string code)
    {
        var run = Build("LoraGen", "", $"-p:{property}=nonsense");

        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains($"error {code}: {property} is 'nonsense'; expected", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Is_not_restored_for_a_framework_that_has_no_LoraGen()
    {
        folder.Write("Consumer.csproj", File.ReadAllText(folder.PathOf("Consumer.csproj")).Replace("net10.0", "net8.0", StringComparison.Ordinal));

        var run = Build("LoraGen", "");

        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains("error NU1202: Package LoraGen", run.Output, StringComparison.Ordinal);
    }

    /// <summary>Without reflection the serializer of System.Text.Json throws, and what was trained would be lost on saving.</summary>
    [Fact]
    public void Trains_saves_and_loads_when_trimmed()
    {
        Succeeds(feed.DotNet(folder.Path, ["publish", "-c", "Release", "-r", PackedFeed.Rid, "--self-contained", "true", "-p:PublishTrimmed=true", "-p:TreatWarningsAsErrors=false", "-o", "published", .. Properties("LoraGen", "")]));

        Assert.Equal(Expected, Succeeds(Run(folder.PathOf(OperatingSystem.IsWindows() ? "published/Consumer.exe" : "published/Consumer"))).ReplaceLineEndings("\n"));
    }

    [Theory]
    [InlineData("false")]
    [InlineData("true")]
    public void Is_published_into_one_folder_that_runs_wherever_it_is_moved(string selfContained)
    {
        Succeeds(feed.DotNet(folder.Path, ["publish", "-c", "Release", "-r", PackedFeed.Rid, "--self-contained", selfContained, "-o", "published", .. Properties("LoraGen", "")]));
        Directory.Delete(folder.PathOf("bin"), recursive: true);
        Directory.Delete(folder.PathOf("obj"), recursive: true);
        Directory.Move(folder.PathOf("published"), folder.PathOf("moved"));
        Assert.DoesNotContain(new DirectoryInfo(folder.PathOf("moved")).GetFiles("*", SearchOption.AllDirectories), file => file.LinkTarget is not null);

        var run = selfContained == "true"
            ? Run(folder.PathOf(OperatingSystem.IsWindows() ? "moved/Consumer.exe" : "moved/Consumer"))
            : Run("dotnet", "moved/Consumer.dll");

        Assert.Equal(Expected, Succeeds(run).ReplaceLineEndings("\n"));
    }

    /// <summary>The output links to the cache, and every other project of the machine reads it: what the build mends must be a copy.</summary>
    [Fact]
    public void Leaves_the_package_cache_as_NuGet_unpacked_it()
    {
        Succeeds(Build("LoraGen", "", "-p:MendLibTorchSharp=true"));
        Succeeds(Run("dotnet", "bin/Debug/net10.0/Consumer.dll"));

        var cached = Path.Combine(PackedFeed.PackageCache, "torchsharp", "0.107.0");
        using var package = ZipFile.OpenRead(Path.Combine(cached, "torchsharp.0.107.0.nupkg"));
        var natives = package.Entries.Where(entry => entry.FullName.StartsWith("runtimes/", StringComparison.Ordinal)).ToList();
        Assert.Contains(natives, entry => entry.Name == "libLibTorchSharp.so");
        foreach (var entry in natives)
        {
            using var stream = entry.Open();
            using var original = new MemoryStream();
            stream.CopyTo(original);
            Assert.Equal(original.ToArray(), File.ReadAllBytes(Path.Combine(cached, Uri.UnescapeDataString(entry.FullName))));
        }
    }

    private ProgramRun Build(string package, string roslyn, params string[] properties)
        => feed.DotNet(folder.Path, ["build", .. Properties(package, roslyn), .. properties]);

    // Roslyn 4.14 does not know the SDK's default, C# 14.
    private string[] Properties(string package, string roslyn)
        => [$"-p:Package={package}", $"-p:PackageUnderTest={feed.Version}", .. roslyn.Length > 0 ? (string[])[$"-p:Roslyn={roslyn}", "-p:LangVersion=13"] : []];

    private ProgramRun Run(string program, params string[] arguments)
        => program == "dotnet" ? ProgramRun.DotNet(folder.Path, arguments) : ProgramRun.Of(program, folder.Path, arguments, new() { ["DOTNET_ROOT"] = folder.Path });

    private static string Succeeds(ProgramRun run)
    {
        Assert.True(run.ExitCode == 0, run.Output);
        return run.Output;
    }
}
