using System.Text.RegularExpressions;
using LoraGen.Generators.Tests.Running;
using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Tests;

/// <summary>Each rule has a page, and the page's samples do what it says.</summary>
public sealed partial class DiagnosticPagesTests
{
    public static TheoryData<string> Rules => [.. Analysis.Analyzers.SelectMany(analyzer => analyzer.SupportedDiagnostics).Select(rule => rule.Id).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Rules))]
    public async Task The_first_sample_is_reported_and_the_second_is_clean(string id)
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Repository.Diagnostics, $"{id}.md"), TestContext.Current.CancellationToken);
        var samples = Sample().Matches(page).Select(match => match.Groups[1].Value).ToList();

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
    public void A_rule_its_page_and_the_index_agree(string id)
    {
        var rule = Assert.Single(Analysis.Analyzers.SelectMany(analyzer => analyzer.SupportedDiagnostics), rule => rule.Id == id);
        var page = File.ReadAllText(Path.Combine(Repository.Diagnostics, $"{id}.md"));
        var index = File.ReadAllText(Path.Combine(Repository.Diagnostics, "README.md"));

        Assert.EndsWith($"/docs/diagnostics/{id}.md", rule.HelpLinkUri, StringComparison.Ordinal);
        Assert.StartsWith($"# {id}: {rule.Title}\n", page, StringComparison.Ordinal);
        Assert.Contains($"Severity: {rule.DefaultSeverity}.", page, StringComparison.Ordinal);
        Assert.Contains($"| [{id}]({id}.md) | {rule.Title} | {rule.DefaultSeverity} |", index, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_page_has_its_rule()
        => Assert.Equal(Rules.Select(row => row.Data), Directory.GetFiles(Repository.Diagnostics, "LORA*.md").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal));

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Sample();
}
