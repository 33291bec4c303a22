using System.CommandLine;
using LoraGen;
using SdkDocs.Commands;

var root = new RootCommand("Fine-tunes a LoRA adapter on the documentation that your .NET SDK ships, and compares it with full fine-tuning.");
root.Subcommands.Add(PretrainCommand.Create());
try
{
    return root.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (LoraException e)
{
    Console.Error.WriteLine($"error: {e.Message}");
    return 1;
}
