using Spectre.Console;

namespace SdkDocs.Output;

/// <summary>The console, wide enough for the tables where output goes to a file, which has no width of its own.</summary>
internal static class Terminal
{
    private const int FileWidth = 120;

    public static IAnsiConsole Console { get; } = Create();

    private static IAnsiConsole Create()
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings());
        if (System.Console.IsOutputRedirected)
        {
            console.Profile.Width = FileWidth;
        }

        return console;
    }
}
