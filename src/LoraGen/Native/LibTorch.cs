using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;

namespace LoraGen.Native;

/// <summary>
/// Runs TorchSharp on the libtorch of a PyTorch that is already installed, instead of one from a package: the folder that the
/// environment variable <c>LORAGEN_LIBTORCH</c> names, for example <c>site-packages/torch/lib</c>.
/// </summary>
/// <remarks>
/// <para>
/// LoraGen does this by itself, before any other code of it runs. TorchSharp looks for libtorch when it is first used, so a program
/// that uses TorchSharp before it touches LoraGen calls <see cref="Load"/> first, at the start of <c>Main</c>. What goes wrong before any
/// other code runs, .NET reports as a <see cref="TypeInitializationException"/> around the <see cref="LibTorchException"/>; to catch it,
/// the code that uses LoraGen has to be in another method than the <c>try</c>.
/// </para>
/// <para>
/// Build such a program without a libtorch package (in LoraGen's own repository: <c>-p:TorchBackend=system</c>). The PyTorch must have
/// the version of libtorch that TorchSharp was built with: 2.10 for TorchSharp 0.107. Where its CUDA libraries lie outside of its own
/// folders, <c>LD_LIBRARY_PATH</c> has to name them, as it has to for PyTorch.
/// </para>
/// </remarks>
public static class LibTorch
{
    /// <summary>The environment variable that names the folder.</summary>
    public const string FolderVariable = "LORAGEN_LIBTORCH";

    /// <summary>Loads libtorch from the folder that <c>LORAGEN_LIBTORCH</c> names. Does nothing where it is not set, or the second time.</summary>
    /// <exception cref="LibTorchException">The folder has no libtorch that TorchSharp can run on.</exception>
    public static void Load()
    {
        var folder = Environment.GetEnvironmentVariable(FolderVariable);
        if (!string.IsNullOrEmpty(folder)) LoadFrom(folder);
    }

    // CA2255 warns of initialisers in libraries. Here it is the only place that runs before a model's field initialisers touch TorchSharp.
#pragma warning disable CA2255
    [ModuleInitializer]
    internal static void LoadBeforeAnythingElse() => Load();
#pragma warning restore CA2255

    /// <summary>
    /// Loads each library by its full path. A loaded library answers to its name, so that LibTorchSharp, which asks for
    /// <c>libtorch_cpu.so</c> and the like, gets these and the loader does not search.
    /// </summary>
    private static void LoadFrom(string folder)
    {
        // An installation's own folder, site-packages/torch, is as good a name for what is in its lib folder.
        var lib = Path.Combine(folder, "lib");
        if (!File.Exists(FileOf(folder, "torch_cpu")) && File.Exists(FileOf(lib, "torch_cpu"))) folder = lib;
        folder = Path.GetFullPath(folder);

        foreach (var name in new[] { "c10", "torch_cpu", "torch" }) Require(folder, name);
        RefuseASecondLibTorch(FileOf(folder, "torch_cpu"));
        // Each after what it needs. A libtorch without CUDA lacks two of them.
        foreach (var name in new[] { "c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch" })
        {
            if (File.Exists(FileOf(folder, name))) LoadLibrary(folder, name);
        }
        LoadTorchSharp(folder);
    }

    private static void Require(string folder, string name)
    {
        var file = FileOf(folder, name);
        if (File.Exists(file)) return;
        var found = Directory.Exists(folder) ? "the folder does not have it" : "there is no such folder";
        throw new LibTorchException(
            $"{FolderVariable} names \"{folder}\"; expected the file \"{Path.GetFileName(file)}\" in it, but {found}. "
            + "Set it to the folder of PyTorch's native libraries (site-packages/torch/lib).");
    }

    /// <summary>Two copies of libtorch in one process register everything twice, and abort it.</summary>
    private static void RefuseASecondLibTorch(string library)
    {
        if (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") is not string searched) return;
        foreach (var directory in searched.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            var own = FileOf(directory, "torch_cpu");
            if (!File.Exists(own) || EndOfLinks(own) == EndOfLinks(library)) continue;
            throw new LibTorchException(
                $"{FolderVariable} asks for \"{library}\", but this program brings its own libtorch: \"{own}\". "
                + $"Unset {FolderVariable}, or build the program without a libtorch package (-p:TorchBackend=system).");
        }
    }

    private static void LoadLibrary(string folder, string name)
    {
        var file = FileOf(folder, name);
        try
        {
            NativeLibrary.Load(file);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new LibTorchException(
                $"{FolderVariable} names \"{folder}\", but the system cannot load \"{Path.GetFileName(file)}\" from it: {e.Message} "
                + "If a library of NVIDIA is missing, add its folder to LD_LIBRARY_PATH (on Windows: PATH).", e);
        }
    }

    /// <summary>TorchSharp would hide the loader's message behind the advice to add a libtorch package.</summary>
    private static void LoadTorchSharp(string folder)
    {
        try
        {
            NativeLibrary.Load("LibTorchSharp", typeof(torch).Assembly, searchPath: null);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new LibTorchException(
                $"{FolderVariable} names \"{folder}\", but TorchSharp {typeof(torch).Assembly.GetName().Version} cannot run on the libtorch in it: "
                + $"{e.Message} Expected a libtorch of the version that TorchSharp was built with.", e);
        }
    }

    private static string FileOf(string folder, string name) =>
        Path.Combine(folder, OperatingSystem.IsWindows() ? $"{name}.dll" : OperatingSystem.IsMacOS() ? $"lib{name}.dylib" : $"lib{name}.so");

    private static string EndOfLinks(string file) =>
        File.ResolveLinkTarget(file, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(file);
}
