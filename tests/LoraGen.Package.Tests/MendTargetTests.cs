using System.Text.Json;

namespace LoraGen.Package.Tests;

/// <summary>Runs the targets that ship in the package, through MSBuild, on a project whose NuGet assets are files made here.</summary>
public sealed class MendTargetTests : IDisposable
{
    private const string Libstdcxx = "libstdc++.so.6", Wanted = "GLIBCXX_3.4.32";
    private static readonly string[] OnOldSystem = ["-p:LibstdcxxPath=old/libstdc++.so.6"], OnNewSystem = ["-p:LibstdcxxPath=new/libstdc++.so.6"];

    private readonly ScratchFolder folder = new();
    private readonly ElfLibrary library = new ElfLibrary().Needs("libc.so.6", "GLIBC_2.34").Needs(Libstdcxx, "GLIBCXX_3.4.30", Wanted);
    private readonly byte[] original;
    private readonly string package;

    public MendTargetTests()
    {
        original = library.Build();
        package = folder.Write("package/1.0.0/libLibTorchSharp.so", original);
        folder.Write("package/1.0.0/libother.so", original);
        folder.Write("old/libstdc++.so.6", new ElfLibrary().Defines("GLIBCXX_3.4.30", "GLIBCXX_3.4.31").Build());
        folder.Write("new/libstdc++.so.6", new ElfLibrary().Defines("GLIBCXX_3.4.31", Wanted).Build());
        foreach (var file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "buildTransitive")))
        {
            folder.Write($"buildTransitive/{Path.GetFileName(file)}", File.ReadAllBytes(file));
        }
        folder.Write("test.proj", """
            <Project DefaultTargets="ResolvePackageAssets">
              <PropertyGroup>
                <IntermediateOutputPath>obj/</IntermediateOutputPath>
                <PackageVersion Condition="'$(PackageVersion)' == ''">1.0.0</PackageVersion>
                <AssetList Condition="'$(AssetList)' == ''">RuntimeTargetsCopyLocalItems</AssetList>
              </PropertyGroup>
              <Target Name="ResolvePackageAssets">
                <CreateItem Include="package/$(PackageVersion)/*.so"
                            AdditionalMetadata="NuGetPackageVersion=$(PackageVersion);DestinationSubDirectory=runtimes/linux-x64/native/;CopyLocal=true">
                  <Output TaskParameter="Include" ItemName="$(AssetList)" />
                </CreateItem>
              </Target>
              <Import Project="buildTransitive/LoraGen.targets" />
            </Project>
            """);
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("RuntimeTargetsCopyLocalItems")]
    [InlineData("NativeCopyLocalItems")]
    public void On_an_old_system_the_output_takes_a_mended_copy_and_the_package_stays_as_it_was(string assetList)
    {
        OnLinuxOnly();
        var dated = File.GetLastWriteTimeUtc(package);

        var assets = Build(assetList, [.. OnOldSystem, $"-p:AssetList={assetList}"]);

        var mended = Assert.Single(assets, asset => asset.Path.EndsWith("libLibTorchSharp.so", StringComparison.Ordinal));
        Assert.Equal(folder.PathOf("obj/torchsharp/1.0.0/libLibTorchSharp.so"), mended.Path);
        Assert.Equal(("runtimes/linux-x64/native/", "true", "1.0.0"), (mended.DestinationSubDirectory, mended.CopyLocal, mended.NuGetPackageVersion));
        Assert.Contains(assets, asset => asset.Path == folder.PathOf("package/1.0.0/libother.so"));
        Assert.Equal(2, assets.Count);
        var expected = (byte[])original.Clone();
        expected[library.FlagsOffset(Libstdcxx, Wanted)] = 0x02;
        Assert.Equal(expected, File.ReadAllBytes(mended.Path));
        Assert.Equal(original, File.ReadAllBytes(package));
        Assert.Equal(dated, File.GetLastWriteTimeUtc(package));
        Assert.Equal([mended.Path], Directory.GetFiles(folder.PathOf("obj"), "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void A_second_build_writes_nothing_and_a_changed_package_is_mended_again()
    {
        OnLinuxOnly();
        var copy = Assert.Single(Build(OnOldSystem), asset => asset.IsMended).Path;
        var longAgo = new DateTime(2020, 1, 2, 3, 4, 5, DateTimeKind.Utc);
        File.SetLastWriteTimeUtc(package, longAgo.AddDays(-1));
        File.SetLastWriteTimeUtc(folder.PathOf("buildTransitive/MendVersionNeeds.cs"), longAgo.AddDays(-1));
        File.SetLastWriteTimeUtc(copy, longAgo);

        Assert.Single(Build(OnOldSystem), asset => asset.IsMended);
        Assert.Equal(longAgo, File.GetLastWriteTimeUtc(copy));

        File.SetLastWriteTimeUtc(package, longAgo.AddDays(1));
        Build(OnOldSystem);
        Assert.NotEqual(longAgo, File.GetLastWriteTimeUtc(copy));
    }

    [Fact]
    public void Another_version_of_the_package_is_mended_even_if_its_file_is_older()
    {
        OnLinuxOnly();
        Build(OnOldSystem);
        var other = folder.Write("package/0.9.0/libLibTorchSharp.so", new ElfLibrary().Needs(Libstdcxx, Wanted, "GLIBCXX_3.4").Build());
        File.SetLastWriteTimeUtc(other, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));

        var mended = Assert.Single(Build([.. OnOldSystem, "-p:PackageVersion=0.9.0"])).Path;

        Assert.Equal(new FileInfo(other).Length, new FileInfo(mended).Length);
        Assert.NotEqual(File.ReadAllBytes(other), File.ReadAllBytes(mended));
    }

    [Fact]
    public void Where_libstdcxx_has_the_version_nothing_happens()
    {
        OnLinuxOnly();

        Assert.DoesNotContain(Build(OnNewSystem), asset => asset.IsMended);
        Assert.False(Directory.Exists(folder.PathOf("obj")));
    }

    [Fact]
    public void The_property_decides_against_the_system()
    {
        Assert.Contains(Build([.. OnNewSystem, "-p:MendLibTorchSharp=true"]), asset => asset.IsMended);
        Assert.DoesNotContain(Build([.. OnOldSystem, "-p:MendLibTorchSharp=false"]), asset => asset.IsMended);
    }

    [Fact]
    public void An_unknown_libstdcxx_is_told_and_the_library_mended()
    {
        OnLinuxOnly();

        var run = MSBuild("-p:LibstdcxxPath=gone/libstdc++.so.6");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("warning LORABUILD1: The libstdc++.so.6 of this system was not found (LibstdcxxPath: 'gone/libstdc++.so.6')", run.Output);
        Assert.True(File.Exists(folder.PathOf("obj/torchsharp/1.0.0/libLibTorchSharp.so")));
    }

    [Fact]
    public void The_systems_libstdcxx_is_the_one_that_dotnet_itself_runs_on()
    {
        OnLinuxOnly();
        var loaded = File.ReadLines("/proc/self/maps").First(line => line.Contains("/libstdc++.so.6", StringComparison.Ordinal));

        var run = MSBuild("-getProperty:LibstdcxxPath");

        Assert.EndsWith(run.Output.Trim(), loaded);
        Assert.True(File.Exists(run.Output.Trim()));
    }

    [Fact]
    public void A_damaged_library_is_one_error_that_names_it_and_leaves_no_copy()
    {
        File.WriteAllBytes(package, original[..40]);

        var run = MSBuild("-p:MendLibTorchSharp=true");

        Assert.NotEqual(0, run.ExitCode);
        var error = Assert.Single(run.Output.Split('\n').Where(line => line.Contains("error", StringComparison.Ordinal)).Select(line => line.Trim()).Distinct());
        Assert.StartsWith(package, error);
        Assert.Contains("error LORABUILD2: Version GLIBCXX_3.4.32 of libstdc++.so.6 cannot be made a weak need: expected", error);
        Assert.Contains("found a file of 40 bytes.", error);
        Assert.False(Directory.Exists(folder.PathOf("obj")));
    }

    [Fact]
    public void A_copy_that_is_a_link_is_replaced_and_its_target_left_alone()
    {
        OnLinuxOnly();
        Directory.CreateDirectory(folder.PathOf("obj/torchsharp/1.0.0"));
        var copy = folder.PathOf("obj/torchsharp/1.0.0/libLibTorchSharp.so");
        File.CreateSymbolicLink(copy, package);
        File.SetLastWriteTimeUtc(folder.PathOf("buildTransitive/MendVersionNeeds.cs"), DateTime.UtcNow.AddHours(1)); // so that the copy is out of date

        Build(OnOldSystem);

        Assert.Null(new FileInfo(copy).LinkTarget);
        Assert.NotEqual(original, File.ReadAllBytes(copy));
        Assert.Equal(original, File.ReadAllBytes(package));
    }

    private static void OnLinuxOnly() => Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux loads libLibTorchSharp.so.");

    private List<Asset> Build(params string[] arguments) => Build("RuntimeTargetsCopyLocalItems", arguments);

    private List<Asset> Build(string assetList, string[] arguments)
    {
        var run = MSBuild([.. arguments, $"-getItem:{assetList}"]);
        Assert.True(run.ExitCode == 0, run.Output);
        using var json = JsonDocument.Parse(run.Output);
        return [.. json.RootElement.GetProperty("Items").GetProperty(assetList).EnumerateArray().Select(item => new Asset(
            item.GetProperty("FullPath").GetString()!,
            item.GetProperty("DestinationSubDirectory").GetString()!,
            item.GetProperty("CopyLocal").GetString()!,
            item.GetProperty("NuGetPackageVersion").GetString()!))];
    }

    private ProgramRun MSBuild(params string[] arguments) =>
        ProgramRun.DotNet(folder.Path, ["msbuild", "test.proj", "-nologo", "-t:ResolvePackageAssets", .. arguments]);

    private sealed record Asset(string Path, string DestinationSubDirectory, string CopyLocal, string NuGetPackageVersion)
    {
        public bool IsMended => Path.Contains("/obj/torchsharp/", StringComparison.Ordinal);
    }
}
