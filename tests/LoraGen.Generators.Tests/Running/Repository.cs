using System.Runtime.CompilerServices;

namespace LoraGen.Generators.Tests.Running;

/// <summary>Where the files of this repository lie on the machine that built the tests.</summary>
internal static class Repository
{
    public static string Tests { get; } = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, ".."));

    public static string Root { get; } = Path.GetFullPath(Path.Combine(Tests, "../.."));

    public static string Diagnostics { get; } = Path.Combine(Root, "docs/diagnostics");

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
