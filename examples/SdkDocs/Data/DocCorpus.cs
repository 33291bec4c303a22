namespace SdkDocs.Data;

/// <summary>The two bodies of text that every .NET SDK ships.</summary>
/// <param name="Core">The documentation of Microsoft.NETCore.App, without hardware intrinsics: what the base is pretrained on.</param>
/// <param name="Web">What Microsoft.AspNetCore.App documents beyond it: what adapters learn.</param>
internal sealed record DocCorpus(IReadOnlyList<DocMember> Core, IReadOnlyList<DocMember> Web)
{
    /// <summary>The reference pack of ASP.NET Core.</summary>
    public const string WebPack = "Microsoft.AspNetCore.App.Ref";

    private const string CorePack = "Microsoft.NETCore.App.Ref";

    // The summaries of hardware intrinsics are C prototypes and assembly mnemonics, not sentences.
    private const string Intrinsics = "System.Runtime.Intrinsics.";

    /// <summary>Reads both.</summary>
    /// <param name="packsFolder">The SDK's packs folder, or null for the running SDK's.</param>
    public static DocCorpus Read(string? packsFolder)
    {
        var core = DocReader.Read(SdkPacks.DocumentationFiles(packsFolder, CorePack));
        var web = DocReader.Read(SdkPacks.DocumentationFiles(packsFolder, WebPack));
        var coreIds = core.Select(member => member.Id).ToHashSet();
        return new DocCorpus(
            [.. core.Where(member => !member.Id[2..].StartsWith(Intrinsics, StringComparison.Ordinal))],
            [.. web.Where(member => !coreIds.Contains(member.Id))]);
    }
}
