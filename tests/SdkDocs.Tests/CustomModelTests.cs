using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace SdkDocs.Tests;

/// <summary>The newcomer's example: short enough to read in one go, and it does what it shows.</summary>
public sealed partial class CustomModelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("custom model").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void It_is_one_file_of_fewer_than_100_lines_that_fit_a_page()
    {
        var file = Assert.Single(Directory.GetFiles(Path.Combine(Root, "examples/CustomModel"), "*.cs"));
        var lines = File.ReadAllLines(file);
        Assert.InRange(lines.Length, 1, 99);
        Assert.All(lines, line => Assert.InRange(line.Length, 0, 130));
    }

    [Fact]
    public void Each_adapter_follows_its_rule_and_the_base_comes_back_bit_for_bit()
    {
        var lines = Run();
        Assert.Equal(InReadme().Select(WithoutNumbers), lines.Select(WithoutNumbers));

        var rows = lines[1..^1].ToDictionary(line => line[..20].TrimEnd(), line => Accuracies(line[20..]));

        // What is right by one rule is as good as never right by another.
        AssertMasters("base", rule: 0);
        AssertMasters("base + reverse", rule: 1);
        AssertMasters("base + shift", rule: 2);
        AssertMasters("shift merged", rule: 2);
        Assert.Equal(rows["base"], rows["base unmerged"]);
        Assert.Equal("The base is bit for bit what it was: True.", lines[^1]);

        Assert.Equal(["reverse", "shift"], Directory.GetDirectories(Path.Combine(_folder, "custommodel-run")).Select(Path.GetFileName).Order());

        void AssertMasters(string model, int rule)
        {
            for (var other = 0; other < 3; other++)
            {
                var (low, high) = other == rule ? (90, 100) : (0, 1);
                Assert.InRange(rows[model][other], low, high);
            }
        }
    }

    private static double[] Accuracies(string columns)
        => [.. columns.Split('%', StringSplitOptions.RemoveEmptyEntries).Select(column => double.Parse(column, CultureInfo.InvariantCulture))];

    private static string[] InReadme() => Printed().Match(File.ReadAllText(Path.Combine(Root, "README.md"))).Groups[1].Value.Split('\n');

    private static string WithoutNumbers(string line) => Accuracy().Replace(line, "%");

    // A process of its own, since torch's seed belongs to the whole process and other tests draw from it.
    private string[] Run()
    {
        var program = Path.Combine(AppContext.BaseDirectory, "CustomModel.dll");
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [program])
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal("", errors.Result);
        Assert.Equal(0, process.ExitCode);
        return output.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
    }

    private static string Root { get; } = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "../.."));

    [GeneratedRegex("<!-- custom model -->\n```\n(.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Printed();

    [GeneratedRegex(@" +\d+\.\d %")]
    private static partial Regex Accuracy();

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
