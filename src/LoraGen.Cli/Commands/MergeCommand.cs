using System.CommandLine;
using LoraGen.Transformers;

namespace LoraGen.Cli.Commands;

/// <summary><c>loragen merge</c>: a checkpoint with an adapter in its weights, which anything opens that opens the base.</summary>
internal static class MergeCommand
{
    public static Command Create()
    {
        var model = new ModelOptions();
        var adapter = new Option<string>("--adapter") { Description = "A PEFT adapter for the model.", Required = true };
        var output = new Option<string>("--out") { Description = "Folder of the merged checkpoint.", Required = true };
        var command = new Command("merge", "Write W = W0 + (alpha / r) B A into a copy of a checkpoint.") { adapter, output };
        model.AddTo(command);
        command.SetAction((parse, cancellation) => Task.Run(() =>
        {
            using var merged = AutoModel.Load(parse.GetValue(model.Model)!, model.Dtype(parse), model.Device(parse));
            cancellation.ThrowIfCancellationRequested();
            using var update = merged.LoadAdapter(parse.GetValue(adapter)!);
            merged.Merge(update);
            cancellation.ThrowIfCancellationRequested();
            merged.Save(parse.GetValue(output)!);
            Console.WriteLine($"Merged {update.Updates.Count(item => item.IsTargeted)} updates into {parse.GetValue(output)}.");
        }, cancellation));
        return command;
    }
}
