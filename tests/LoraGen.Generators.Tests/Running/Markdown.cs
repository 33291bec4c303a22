namespace LoraGen.Generators.Tests.Running;

/// <summary>The pages of this repository that users and contributors read.</summary>
internal static class Markdown
{
    /// <summary>Their paths below the root, with slashes.</summary>
    public static IReadOnlyList<string> Pages { get; } =
    [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "src/README.md",
        .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories)
            .Select(page => Path.GetRelativePath(Repository.Root, page).Replace('\\', '/'))
            .Order(StringComparer.Ordinal),
    ];

    public static string Read(string page) => File.ReadAllText(Path.Combine(Repository.Root, page)).ReplaceLineEndings("\n");
}
