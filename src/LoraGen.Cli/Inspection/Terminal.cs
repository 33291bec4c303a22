using Spectre.Console;

namespace LoraGen.Cli.Inspection;

/// <summary>Where tables go.</summary>
internal static class Terminal
{
    /// <summary>The console; into a file or a pipe, where there is no width to heed, nothing is cut.</summary>
    public static IAnsiConsole Wide()
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings());
        if (Console.IsOutputRedirected)
        {
            console.Profile.Width = 240;
        }

        return console;
    }
}
