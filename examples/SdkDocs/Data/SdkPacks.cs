using System.Runtime.InteropServices;
using LoraGen;

namespace SdkDocs.Data;

/// <summary>The reference packs of the installed .NET SDK, which carry the XML documentation of every public member.</summary>
internal static class SdkPacks
{
    /// <summary>The documentation files of one pack, in its newest version.</summary>
    /// <param name="packsFolder">The SDK's <c>packs</c> folder, or null to find it beside the runtime that runs this program.</param>
    /// <param name="pack"><c>Microsoft.NETCore.App.Ref</c> or <c>Microsoft.AspNetCore.App.Ref</c>.</param>
    /// <exception cref="LoraException">The pack is not there.</exception>
    public static IReadOnlyList<string> DocumentationFiles(string? packsFolder, string pack)
    {
        var root = Path.Combine(packsFolder ?? DefaultFolder(), pack);
        var newest = Directory.Exists(root)
            ? Directory.GetDirectories(root).MaxBy(folder => Version.TryParse(Path.GetFileName(folder).Split('-')[0], out var version) ? version : new Version())
            : null;
        var files = newest is null ? [] : Directory.GetFiles(newest, "*.xml", SearchOption.AllDirectories);
        return files.Length > 0
            ? [.. files.Order(StringComparer.Ordinal)]
            : throw new LoraException(
                $"{root}: expected the XML documentation of {pack}, found none. It comes with the .NET SDK (not with the runtime alone): "
                + "install the SDK, or name its packs folder with --packs <folder>.");
    }

    // <dotnet>/shared/Microsoft.NETCore.App/<version>/ is the running runtime, <dotnet>/packs its SDK's reference packs.
    private static string DefaultFolder()
        => Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "packs"));
}
