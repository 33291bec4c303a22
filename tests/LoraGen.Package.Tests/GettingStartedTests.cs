using System.Text.RegularExpressions;

namespace LoraGen.Package.Tests;

/// <summary>
/// docs/getting-started.md, done as it is written: each command run, each C# sample put into Program.cs, each output looked for. Only the
/// version and the place of the packages are this run's, and `dotnet new` keeps the template in a folder of the test.
/// </summary>
public sealed partial class GettingStartedTests(PackedFeed feed) : IDisposable
{
    private readonly ScratchFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("A program that works")]
    [InlineData("In a project of your own")]
    public void A_section_does_what_it_says(string heading)
    {
        var directory = folder.Path;
        var output = "";
        var commands = 0;
        foreach (Match block in Block().Matches(Section(heading)))
        {
            var content = block.Groups["content"].Value;
            if (block.Groups["language"].Value == "csharp")
            {
                File.WriteAllText(Path.Combine(directory, "Program.cs"), content);
            }
            else if (content.StartsWith("dotnet ", StringComparison.Ordinal))
            {
                foreach (var words in content.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')))
                {
                    if (words[0] == "cd")
                    {
                        directory = Path.Combine(directory, words[1]);
                        continue;
                    }

                    commands++;
                    var run = feed.DotNet(directory, Arguments(words));
                    Assert.True(run.ExitCode == 0, $"{string.Join(' ', words)}: {run.Output}");
                    output = run.Output.ReplaceLineEndings("\n");
                }
            }
            else
            {
                Assert.All(content.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.Matches(PatternOf(line), output));
            }
        }

        Assert.True(commands >= 3, "The section has fewer commands than it had.");
    }

    private string[] Arguments(string[] words)
    {
        var arguments = words[1..].Select(word => word switch
        {
            "0.1.0" => feed.Version,
            "packages/LoraGen.Templates.0.1.0.nupkg" => feed.PathOf("LoraGen.Templates", "nupkg"),
            _ => word,
        });
        return [.. arguments, .. words[1] == "new" ? (string[])["--debug:custom-hive", folder.PathOf("hive")] : []];
    }

    // Losses and what a model writes are another run's each time.
    private static string PatternOf(string line)
    {
        var said = WhatVaries().Match(line);
        return said.Success ? $"(?m)^{Regex.Escape(line[..said.Index])}{(said.Value.StartsWith("loss", StringComparison.Ordinal) ? @"loss \d+\.\d+$" : ".")}"
            : char.IsUpper(line[0]) ? $"(?m)^{Regex.Escape(line)}$" : "";
    }

    private static string Section(string heading)
    {
        var page = File.ReadAllText(Path.Combine(PackedFeed.Repository, "docs", "getting-started.md")).ReplaceLineEndings("\n");
        return page.Split("\n## ").Single(section => section.StartsWith(heading + "\n", StringComparison.Ordinal));
    }

    [GeneratedRegex(@"^```(?<language>\w*)\n(?<content>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"loss \d.*$|(?<=^The (base|adapter):  ).*$")]
    private static partial Regex WhatVaries();
}
