using System.CommandLine;
using LoraGen.Cli.Inspection;
using LoraGen.Peft;

namespace LoraGen.Cli.Commands;

/// <summary><c>loragen inspect</c>: what a folder is, found out without loading a model.</summary>
internal static class InspectCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("folder") { Description = "A PEFT adapter or a Hugging Face checkpoint." };
        var json = new Option<bool>("--json") { Description = "Write one JSON object instead of tables." };
        var command = new Command("inspect", "Say what an adapter or a checkpoint is: base, targets, ranks, scales, parameters, norms, and what is odd about it.") { folder, json };
        command.SetAction(parse =>
        {
            var path = parse.GetValue(folder)!;
            if (!Directory.Exists(path))
            {
                throw new LoraException($"{path}: expected the folder of an adapter or a checkpoint, found {(File.Exists(path) ? "a file" : "no such folder")}.");
            }

            // An adapter has a config.json too where its tokenizer's trainer left one; what makes it an adapter decides.
            if (File.Exists(Path.Combine(path, "adapter_config.json")))
            {
                AdapterView.Show(PeftCheckpoint.Inspect(path), parse.GetValue(json));
            }
            else
            {
                CheckpointView.Show(path, parse.GetValue(json));
            }
        });
        return command;
    }
}
