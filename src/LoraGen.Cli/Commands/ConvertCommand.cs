using System.CommandLine;
using LoraGen.Peft;

namespace LoraGen.Cli.Commands;

/// <summary><c>loragen convert</c>: an adapter in an older or another layout, written as PEFT's two files.</summary>
internal static class ConvertCommand
{
    public static Command Create()
    {
        var source = new Argument<string>("source") { Description = "A PEFT adapter folder (also one with adapter_model.bin), or a file that loralib saved." };
        var output = new Option<string>("--out") { Description = "Folder for adapter_config.json and adapter_model.safetensors, or with --to loralib the file.", Required = true };
        var alpha = new Option<double?>("--alpha") { Description = "The alpha that a loralib adapter was trained with; its file does not say." };
        var enableLora = new Option<string?>("--enable-lora") { Description = "Which slices of a fused projection loralib trained, such as true,false,true." };
        var to = new Option<string>("--to") { Description = "peft, or loralib: then --out is a file.", DefaultValueFactory = _ => "peft" };
        to.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is not ("peft" or "loralib") and var found)
            {
                result.AddError($"--to: expected peft or loralib, found '{found}'.");
            }
        });
        var prefix = new Option<string>("--key-prefix") { Description = "What stands before each layer's path.", DefaultValueFactory = _ => "base_model.model." };
        var command = new Command("convert", "Write an adapter as PEFT does today, from loralib, from adapter_model.bin, from old configs; or as loralib does.") { source, output, to, alpha, enableLora, prefix };
        command.SetAction(parse =>
        {
            var path = parse.GetValue(source)!;
            using var adapter = File.Exists(path)
                ? PeftCheckpoint.OpenLoralib(path, parse.GetValue(alpha) ?? throw new LoraException($"{path}: a loralib file does not hold its alpha. Say it with --alpha."), Slices(parse.GetValue(enableLora)))
                : PeftCheckpoint.Open(path);
            if (parse.GetValue(to) == "loralib")
            {
                var loraAlpha = adapter.SaveLoralib(parse.GetValue(output)!);
                Console.WriteLine(FormattableString.Invariant($"Wrote {adapter.Updates.Count} updates to {parse.GetValue(output)}. Make loralib's layers with lora_alpha={loraAlpha}: its file does not say."));
                return;
            }

            adapter.Save(parse.GetValue(output)!, parse.GetValue(prefix)!);
            Console.WriteLine($"Wrote {adapter.Updates.Count} updates to {parse.GetValue(output)}.");
        });
        return command;
    }

    private static bool[]? Slices(string? list) => list?.Split(',', StringSplitOptions.TrimEntries)
        .Select(slice => bool.TryParse(slice, out var enabled) ? enabled : throw new LoraException($"--enable-lora: expected true and false with commas between, found '{list}'."))
        .ToArray();
}
