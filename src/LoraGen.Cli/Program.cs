using System.CommandLine;
using System.Runtime.InteropServices;
using LoraGen.Cli.Commands;
using LoraGen.Native;

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
        catch (Exception e) when (Cause(e) is { } cause)
        {
            Console.Error.WriteLine($"error: {cause.ReplaceLineEndings(" ")}");
            return Failed;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("Stopped before the end.");
            return Interrupted;
        }
    }

    // What the libraries document, and what only libtorch finds out, such as that the memory is full. Anything else is a fault of ours, whose stack is wanted.
    private static string? Cause(Exception e) => e switch
    {
        LoraException or ArgumentException => e.Message,
        ExternalException or OutOfMemoryException => $"libtorch: {e.Message}",
        TypeInitializationException { InnerException: LibTorchException inner } => inner.Message,
        _ => null,
    };
}
