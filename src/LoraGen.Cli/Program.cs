using System.CommandLine;
using LoraGen.Cli.Commands;

namespace LoraGen.Cli;

/// <summary>The <c>loragen</c> tool: thin verbs over the libraries. 0 done, 1 failed, 2 called wrongly, 130 interrupted.</summary>
internal static class Program
{
    private const int Failed = 1, CalledWrongly = 2, Interrupted = 130;

    public static async Task<int> Main(string[] arguments)
    {
        var root = new RootCommand("LoRA for C#: look at adapters and checkpoints, run them, merge them, convert them.")
        {
            InspectCommand.Create(), GenerateCommand.Create(), MergeCommand.Create(), ConvertCommand.Create(),
        };
        var parse = root.Parse(arguments);
        if (parse.Errors.Count > 0)
        {
            Console.Error.WriteLine($"error: {parse.Errors[0].Message} (`{string.Join(' ', ["loragen", .. arguments.Take(1), "--help"])}` says more)");
            return CalledWrongly;
        }

        try
        {
            return await parse.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (LoraException e)
        {
            Console.Error.WriteLine($"error: {e.Message}");
            return Failed;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("Stopped before the end; nothing was written.");
            return Interrupted;
        }
    }
}
