using System.Text.RegularExpressions;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests;

/// <summary>The README's class and its use compile, and its excerpt is what the generator writes for that class.</summary>
public sealed partial class ReadmeTests
{
    private static readonly string[] Samples =
        [.. Sample().Matches(File.ReadAllText(Path.Combine(Repository.Root, "README.md"))).Select(match => match.Groups[1].Value)];

    [Fact]
    public void The_class_and_its_use_compile_without_a_warning()
    {
        var run = GeneratorRun.Of(Samples[0], $"internal static class Usage\n{{\n    internal static void Run()\n    {{\n{Samples[1]}\n    }}\n}}\n");
        Assert.Empty(run.Complaints);
    }

    [Fact]
    public void The_excerpt_is_generated_line_by_line()
    {
        var generated = Lines(Assert.Single(GeneratorRun.Of(Samples[0]).Files).Value);
        var excerpt = Lines(Samples[2]);
        Assert.NotEmpty(excerpt);

        // "..." stands for what is left out; between two of them nothing is.
        var position = 0;
        foreach (var part in string.Join('\n', excerpt).Split("...\n"))
        {
            var found = string.Join('\n', generated).IndexOf(part.TrimEnd('\n'), position, StringComparison.Ordinal);
            Assert.True(found >= 0, $"Not generated, or not in this order:\n{part}");
            position = found + part.Length;
        }
    }

    [Fact]
    public void There_is_no_other_sample() => Assert.Equal(3, Samples.Length);

    private static List<string> Lines(string text) => [.. text.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0)];

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Sample();
}
