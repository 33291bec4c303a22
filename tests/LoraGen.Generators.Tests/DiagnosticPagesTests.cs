using System.Globalization;
using System.Text.RegularExpressions;
using LoraGen.CodeFixes;
using LoraGen.Generators.Tests.Running;
using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Tests;

/// <summary>Each rule has a page, and the page's samples do what it says.</summary>
public sealed partial class DiagnosticPagesTests
{
    private static readonly IReadOnlyList<DiagnosticDescriptor> Descriptors =
        [.. Analysis.Rules.OrderBy(rule => rule.Id, StringComparer.Ordinal)];

    private static readonly HashSet<string> Fixed =
    [
        .. typeof(LoraCodeFix).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(LoraCodeFix)) && !type.IsAbstract)
            .SelectMany(type => ((LoraCodeFix)Activator.CreateInstance(type)!).FixableDiagnosticIds),
    ];

    public static TheoryData<string> Rules => [.. Descriptors.Select(rule => rule.Id)];

    [Theory]
    [MemberData(nameof(Rules))]
    public async Task The_first_sample_is_reported_and_the_second_is_clean(string id)
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Repository.Diagnostics, $"{id}.md"), TestContext.Current.CancellationToken);
        var samples = Sample().Matches(page).Select(match => match.Groups[1].Value).ToList();
        Assert.Equal(2, samples.Count);

        var reported = GeneratorRun.Of(samples[0]);
        Assert.DoesNotContain(reported.Complaints, complaint => complaint.Severity == DiagnosticSeverity.Error);
        Assert.Equal([id], (await Analysis.Of(reported)).Select(diagnostic => diagnostic.Id));

        var mended = GeneratorRun.Of(samples[1]);
        Assert.NotEmpty(mended.Files);
        Assert.Empty(mended.Complaints);
        Assert.Empty(await Analysis.Of(mended));
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void A_rule_and_its_page_agree(string id)
    {
        var rule = Assert.Single(Descriptors, rule => rule.Id == id);
        var page = File.ReadAllText(Path.Combine(Repository.Diagnostics, $"{id}.md"));

        Assert.EndsWith($"/docs/diagnostics/{id}.md", rule.HelpLinkUri, StringComparison.Ordinal);
        Assert.StartsWith($"# {id}: {rule.Title}\n\nSeverity: {rule.DefaultSeverity}. Code fix: ", page, StringComparison.Ordinal);
        Assert.Equal(HasFix(id), !page.Contains("Code fix: none.", StringComparison.Ordinal));
        Assert.Equal(["What is reported", "How to mend it", "When to suppress it"], Heading().Matches(page).Select(match => match.Groups[1].Value));
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void A_rule_has_all_its_texts_and_links_to_a_file_that_exists(string id)
    {
        var rule = Assert.Single(Descriptors, rule => rule.Id == id);
        foreach (var text in new[] { rule.Title, rule.MessageFormat, rule.Description }.Select(text => text.ToString(CultureInfo.InvariantCulture)))
        {
            Assert.NotEmpty(text);
            Assert.Equal(text.Trim(), text);
        }

        var link = new Uri(rule.HelpLinkUri);
        var path = link.AbsolutePath.Split("/blob/main/");
        Assert.Equal((Uri.UriSchemeHttps, 2), (link.Scheme, path.Length));
        Assert.True(File.Exists(Path.Combine(Repository.Root, path[1])), rule.HelpLinkUri);
    }

    [Theory]
    [InlineData("README.md", "docs/diagnostics/")]
    [InlineData("docs/diagnostics/README.md", "")]
    public void A_table_has_a_line_for_each_rule(string file, string folder)
    {
        var lines = Descriptors.Select(rule => $"| [{rule.Id}]({folder}{rule.Id}.md) | {rule.DefaultSeverity} | {rule.Title} | {(HasFix(rule.Id) ? "yes" : "")} |");
        var table = string.Join('\n', ["| Rule | Severity | | Code fix |", "| --- | --- | --- | --- |", .. lines]);

        Assert.Contains($"\n\n{table}\n\n", File.ReadAllText(Path.Combine(Repository.Root, file)), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_page_has_its_rule()
        => Assert.Equal(Rules.Select(row => row.Data), Directory.GetFiles(Repository.Diagnostics, "LORA*.md").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal));

    private static bool HasFix(string id) => Fixed.Contains(id);

    [GeneratedRegex("^## (.*)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    // <!-- fragment: why --> above a sample leaves it out.
    [GeneratedRegex("(?<!-->\n)```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Sample();
}
