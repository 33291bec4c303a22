namespace LoraGen.Cli.Tests;

/// <summary>A run of the tool in this process: how it ended and what it wrote.</summary>
internal sealed record Tool(int ExitCode, string Output, string Errors)
{
    /// <summary>The checkpoint that this repository pretrained: a Llama of 5 million parameters with its tokenizer.</summary>
    public static string Base { get; } = Path.Combine(AppContext.BaseDirectory, "base");

    public static async Task<Tool> Run(params string[] arguments)
    {
        var (output, errors) = (Console.Out, Console.Error);
        using var written = new StringWriter();
        using var complained = new StringWriter();
        Console.SetOut(written);
        Console.SetError(complained);
        try
        {
            var exitCode = await Program.Main(arguments);
            return new Tool(exitCode, written.ToString().ReplaceLineEndings("\n"), complained.ToString().ReplaceLineEndings("\n"));
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(errors);
        }
    }

    /// <summary>Asserts that the tool failed with one line, and returns it.</summary>
    public string Refusal(int exitCode)
    {
        Assert.Equal(exitCode, ExitCode);
        var line = Assert.Single(Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("error: ", line, StringComparison.Ordinal);
        return line;
    }
}
