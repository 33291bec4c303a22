namespace LoraGen.Cli.Tests;

/// <summary>How the tool answers to the way it is called.</summary>
public sealed class UsageTests
{
    [Theory]
    [InlineData("inspect", "--json")]
    [InlineData("generate", "--model", "--adapter", "--prompt", "--device", "--dtype", "--seed", "--max-new-tokens", "--temperature")]
    [InlineData("merge", "--model", "--adapter", "--out", "--device", "--dtype")]
    [InlineData("convert", "--out", "--alpha", "--enable-lora", "--key-prefix")]
    public async Task Each_verb_has_help(string verb, params string[] options)
    {
        var run = await Tool.Run(verb, "--help");

        Assert.Equal(0, run.ExitCode);
        Assert.All(options, option => Assert.Contains(option, run.Output, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_tool_lists_its_verbs()
    {
        var run = await Tool.Run("--help");

        Assert.Equal(0, run.ExitCode);
        Assert.All(["inspect", "generate", "merge", "convert"], verb => Assert.Contains($"  {verb} ", run.Output, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("`loragen --help`")]
    [InlineData("`loragen inspect --help`", "inspect")]
    [InlineData("--prompt", "generate", "--model", "x")]
    [InlineData("float8", "generate", "--model", "x", "--prompt", "y", "--dtype", "float8")]
    [InlineData("expected cpu, cuda or cuda:N, found 'gpu'", "generate", "--model", "x", "--prompt", "y", "--device", "gpu")]
    [InlineData("many", "generate", "--model", "x", "--prompt", "y", "--max-new-tokens", "many")]
    [InlineData("--out", "merge", "--model", "x", "--adapter", "y")]
    public async Task Called_wrongly_it_says_how_in_one_line_and_ends_with_2(string expected, params string[] arguments)
        => Assert.Contains(expected, (await Tool.Run(arguments)).Refusal(2), StringComparison.Ordinal);

    [Theory]
    [InlineData("inspect", "")]
    [InlineData("generate", "--model", "", "--prompt", "x")]
    [InlineData("merge", "--model", "", "--adapter", "x", "--out", "y")]
    [InlineData("convert", "", "--out", "y")]
    public async Task An_empty_name_is_refused_in_one_line(params string[] arguments) => (await Tool.Run(arguments)).Refusal(1);

    [Theory]
    [InlineData("inspect", "gone")]
    [InlineData("generate", "--model", "gone", "--prompt", "x")]
    [InlineData("merge", "--model", "gone", "--adapter", "x", "--out", "y")]
    [InlineData("convert", "gone", "--out", "y")]
    public async Task What_is_not_there_is_named_in_one_line_and_ends_with_1(params string[] arguments)
        => Assert.Contains("gone", (await Tool.Run(arguments)).Refusal(1), StringComparison.Ordinal);
}
