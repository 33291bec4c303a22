using System.CommandLine;
using SdkDocs.Output;
using SdkDocs.Pretraining;

namespace SdkDocs.Commands;

/// <summary><c>pretrain</c>: makes the shipped base anew.</summary>
internal static class PretrainCommand
{
    public static Command Create()
    {
        var packs = new Option<string?>("--packs") { Description = "The packs folder of a .NET SDK; by default the running SDK's." };
        var output = new Option<string>("--out") { Description = "Folder for the base.", DefaultValueFactory = _ => "base" };
        var state = new Option<string>("--state") { Description = "Folder for the checkpoints of the run; a run found there is continued.", DefaultValueFactory = _ => "pretrain-run" };
        var epochs = PositiveOption.Create("--epochs", "Passes over the text.", 9);
        var seed = new Option<int>("--seed") { Description = "Seed of the weights and of the order.", DefaultValueFactory = _ => 1 };
        var command = new Command("pretrain", "Trains the base from nothing on the documentation of Microsoft.NETCore.App (the shipped base took 99 minutes, mostly on one core; resumable).")
        {
            packs, output, state, epochs, seed,
        };
        command.SetAction(parse =>
        {
            using var interruption = new Interruption();
            new Pretrainer(new PretrainOptions(
                parse.GetValue(packs),
                parse.GetValue(output)!,
                parse.GetValue(state)!,
                parse.GetValue(epochs),
                parse.GetValue(seed),
                $"pretrain --epochs {parse.GetValue(epochs)} --seed {parse.GetValue(seed)}")).Run(interruption.Token);
        });
        return command;
    }
}
