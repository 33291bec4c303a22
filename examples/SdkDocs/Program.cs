using System.CommandLine;
using LoraGen;
using SdkDocs.Commands;

const int failed = 1;
const int interrupted = 130;
try
{
    return FineTuneCommand.Create().Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (LoraException e)
{
    Console.Error.WriteLine($"error: {e.Message}");
    return failed;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("Stopped before the end.");
    return interrupted;
}
