using System.CommandLine;
using SdkDocs.FineTuning;
using SdkDocs.Output;

namespace SdkDocs.Commands;

/// <summary>The command without a name: the main job.</summary>
internal static class FineTuneCommand
{
    public static RootCommand Create()
    {
        var packs = new Option<string?>("--packs") { Description = "The packs folder of a .NET SDK; by default the running SDK's." };
        var output = new Option<string>("--out") { Description = "Folder for the adapter, the fully fine-tuned model and report.json.", DefaultValueFactory = _ => "sdkdocs-run" };
        var steps = PositiveOption.Create("--steps", "Optimizer steps of each method.", 500);
        var heldOut = PositiveOption.Create("--held-out", "Largest number of held-out members to judge by.", 256);
        var skipFull = new Option<bool>("--skip-full") { Description = "Leave full fine-tuning out." };
        var seed = new Option<int>("--seed") { Description = "Seed of the split, of the order, and of A.", DefaultValueFactory = _ => 1 };
        var device = new Option<string>("--device") { Description = "cpu, cuda or cuda:N.", DefaultValueFactory = _ => "cpu" };

        var command = new RootCommand("Fine-tunes a LoRA adapter on the documentation that your .NET SDK ships, and compares it with full fine-tuning.")
        {
            packs, output, steps, heldOut, skipFull, seed, device,
        };
        command.SetAction(parse =>
        {
            using var interruption = new Interruption();
            new FineTuneJob(new FineTuneOptions(
                parse.GetValue(packs),
                parse.GetValue(output)!,
                parse.GetValue(steps),
                parse.GetValue(heldOut),
                parse.GetValue(skipFull),
                parse.GetValue(seed),
                parse.GetValue(device)!,
                CommandLine(parse))).Run(interruption.Token);
        });
        command.Subcommands.Add(PretrainCommand.Create());
        return command;
    }

    private static string CommandLine(ParseResult parse)
    {
        const string run = "dotnet run -c Release --project examples/SdkDocs";
        return parse.Tokens.Count == 0 ? run : $"{run} -- {string.Join(' ', parse.Tokens.Select(token => token.Value))}";
    }
}
