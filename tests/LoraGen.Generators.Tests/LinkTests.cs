using System.Text.RegularExpressions;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests;

/// <summary>Links between the pages of this repository lead to a file, and to a heading in it where they name one.</summary>
public sealed partial class LinkTests
{
    public static TheoryData<string> Pages => [.. Markdown.Pages];

    [Theory]
    [MemberData(nameof(Pages))]
    public void A_relative_link_leads_somewhere(string page)
    {
        var path = Path.Combine(Repository.Root, page);
        Assert.All(Links(File.ReadAllText(path)), link => Assert.True(Leads(path, link), $"{page}: {link} leads nowhere."));
    }

    [Fact]
    public void The_README_leads_to_the_example_and_to_the_page_on_generated_code()
    {
        var links = Links(File.ReadAllText(Path.Combine(Repository.Root, "README.md"))).ToList();
        Assert.Contains("examples/CustomModel/Program.cs", links);
        Assert.Contains("docs/generated-code.md", links);
    }

    private static IEnumerable<string> Links(string page)
        => Link().Matches(Code().Replace(page, "")).Select(link => link.Groups[1].Value).Where(link => !link.Contains("://", StringComparison.Ordinal));

    private static bool Leads(string page, string link)
    {
        var (file, heading) = link.Split('#') is [var before, var after] ? (before, after) : (link, null);
        var target = file.Length == 0 ? page : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page)!, file));
        return heading is null
            ? File.Exists(target) || Directory.Exists(target)
            : File.Exists(target) && Heading().Matches(Code().Replace(File.ReadAllText(target), "")).Any(line => Anchor(line.Groups[1].Value) == heading);
    }

    // As GitHub makes it: lower case, without punctuation, a hyphen for each space.
    private static string Anchor(string heading) => Punctuation().Replace(heading.Trim().ToLowerInvariant(), "").Replace(' ', '-');

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("^#+ (.*)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex Punctuation();

    // In code, brackets and number signs mean other things. A heading may have `code` in it, but only a fence has whole lines of it.
    [GeneratedRegex("^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Code();
}
