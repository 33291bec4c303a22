namespace SdkDocs.Data;

/// <summary>The two bodies of text: what the base is pretrained on, and what adapters learn.</summary>
internal static class DocCorpus
{
    private const string CorePack = "Microsoft.NETCore.App.Ref";
    private const string WebPack = "Microsoft.AspNetCore.App.Ref";

    // The summaries of hardware intrinsics are C prototypes and assembly mnemonics, not sentences.
    private const string Intrinsics = "System.Runtime.Intrinsics.";

    /// <summary>The documentation of Microsoft.NETCore.App, without hardware intrinsics.</summary>
    public static IReadOnlyList<DocMember> Core(string? packsFolder)
        => [.. DocReader.Read(SdkPacks.DocumentationFiles(packsFolder, CorePack)).Where(member => !member.Id[2..].StartsWith(Intrinsics, StringComparison.Ordinal))];

    /// <summary>What Microsoft.AspNetCore.App documents beyond Microsoft.NETCore.App.</summary>
    public static IReadOnlyList<DocMember> Web(string? packsFolder)
    {
        var core = DocReader.Read(SdkPacks.DocumentationFiles(packsFolder, CorePack)).Select(member => member.Id).ToHashSet();
        return [.. DocReader.Read(SdkPacks.DocumentationFiles(packsFolder, WebPack)).Where(member => !core.Contains(member.Id))];
    }
}
