using System.Reflection;
using LoraGen.Native;
using TorchSharp;

namespace LoraGen.Package.Tests;

/// <summary>
/// LORAGEN_LIBTORCH, in this process, which has no libtorch of its own. Nothing else in this assembly may use TorchSharp: what is loaded
/// once stays loaded.
/// </summary>
public sealed class LibTorchTests : IDisposable
{
    private const string SearchedDirectories = "NATIVE_DLL_SEARCH_DIRECTORIES";

    private readonly ScratchFolder folder = new();
    private readonly string? variable = Environment.GetEnvironmentVariable(LibTorch.FolderVariable);
    private readonly object? searched = AppContext.GetData(SearchedDirectories);

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(LibTorch.FolderVariable, variable);
        AppContext.SetData(SearchedDirectories, searched);
        folder.Dispose();
    }

    [Fact]
    public void Loads_an_installed_libtorch_that_the_program_does_not_bring()
    {
        var installed = InstalledLibTorch();
        Assert.False(File.Exists(Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", FileOf("torch_cpu"))), "The test has its own libtorch.");

        LoadFrom(installed);

        Assert.Equal(12f, (torch.ones(2, 3) + torch.arange(3)).sum().item<float>());
        Assert.Contains(File.ReadLines("/proc/self/maps"), line => line.EndsWith(Path.Combine(installed, FileOf("torch_cpu")), StringComparison.Ordinal));
    }

    [Fact]
    public void Takes_the_folder_of_an_installation_for_its_lib_folder()
    {
        Directory.CreateSymbolicLink(folder.PathOf("lib"), InstalledLibTorch());

        LoadFrom(folder.Path);
    }

    [Fact]
    public void Does_nothing_where_the_variable_is_not_set() => LoadFrom(null);

    [Fact]
    public void A_folder_that_is_not_there_is_named_with_the_file_expected_in_it_and_the_cure()
    {
        var gone = folder.PathOf("gone");

        Assert.Equal(
            $"LORAGEN_LIBTORCH names \"{gone}\"; expected the file \"{FileOf("c10")}\" in it, but there is no such folder. "
            + "Set it to the folder of PyTorch's native libraries (site-packages/torch/lib).",
            Assert.Throws<LibTorchException>(() => LoadFrom(gone)).Message);
    }

    [Fact]
    public void A_folder_that_lacks_one_library_is_named_with_it()
    {
        folder.Write(FileOf("c10"), "");
        folder.Write(FileOf("torch_cpu"), "");

        Assert.StartsWith(
            $"LORAGEN_LIBTORCH names \"{folder.Path}\"; expected the file \"{FileOf("torch")}\" in it, but the folder does not have it.",
            Assert.Throws<LibTorchException>(() => LoadFrom(folder.Path)).Message);
    }

    [Fact]
    public void A_library_that_cannot_be_loaded_is_named_with_the_systems_reason()
    {
        foreach (var name in new[] { "c10", "torch_cpu", "torch" }) folder.Write(FileOf(name), "not a library");

        var exception = Assert.Throws<LibTorchException>(() => LoadFrom(folder.Path));

        Assert.StartsWith($"LORAGEN_LIBTORCH names \"{folder.Path}\", but the system cannot load \"{FileOf("c10")}\" from it: ", exception.Message);
        Assert.Contains(exception.InnerException!.Message.ReplaceLineEndings(" "), exception.Message); // Ours is one line.
    }

    [Fact]
    public void A_second_libtorch_is_refused_before_it_is_loaded()
    {
        foreach (var name in new[] { "c10", "torch_cpu", "torch" }) folder.Write(Path.Combine("installed", FileOf(name)), "");
        var own = folder.Write(Path.Combine("own", FileOf("torch_cpu")), "");
        AppContext.SetData(SearchedDirectories, $"{folder.PathOf("nothing")}{Path.PathSeparator}{folder.PathOf("own")}{Path.PathSeparator}");

        Assert.Equal(
            $"LORAGEN_LIBTORCH asks for \"{folder.PathOf(Path.Combine("installed", FileOf("torch_cpu")))}\", but this program brings its own libtorch: \"{own}\". "
            + "Unset LORAGEN_LIBTORCH, or build the program without a libtorch package (-p:TorchBackend=system).",
            Assert.Throws<LibTorchException>(() => LoadFrom(folder.PathOf("installed"))).Message);
    }

    private static void LoadFrom(string? libTorch)
    {
        Environment.SetEnvironmentVariable(LibTorch.FolderVariable, libTorch);
        LibTorch.Load();
    }

    private static string FileOf(string name) =>
        OperatingSystem.IsWindows() ? $"{name}.dll" : OperatingSystem.IsMacOS() ? $"lib{name}.dylib" : $"lib{name}.so";

    private static string InstalledLibTorch()
    {
        var path = typeof(LibTorchTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().SingleOrDefault(a => a.Key == "InstalledLibTorch")?.Value;
        Assert.SkipWhen(path is null, "The libtorch package of Linux stands in for an installed PyTorch.");
        return path;
    }
}
