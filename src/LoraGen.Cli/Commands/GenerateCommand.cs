using System.CommandLine;
using System.Diagnostics;
using LoraGen.Transformers;
using LoraGen.Transformers.Generation;
using LoraGen.Transformers.Tokenizers;

namespace LoraGen.Cli.Commands;

/// <summary><c>loragen generate</c>: writes on after a prompt, token by token.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        var model = new ModelOptions();
        var adapter = new Option<string?>("--adapter") { Description = "A PEFT adapter for the model; without one the base alone writes." };
        var prompt = new Option<string>("--prompt") { Description = "The text to continue; - reads it from standard input.", Required = true };
        var maxNewTokens = new Option<int?>("--max-new-tokens") { Description = "The most tokens to write; by default as generation_config.json says, or 256." };
        var temperature = new Option<double?>("--temperature") { Description = "Draw tokens, from logits divided by this; 0 takes the likeliest." };
        var topK = new Option<int?>("--top-k") { Description = "Draw among that many likeliest tokens." };
        var topP = new Option<double?>("--top-p") { Description = "Draw among the likeliest tokens whose probabilities reach this sum." };
        var repetitionPenalty = new Option<double?>("--repetition-penalty") { Description = "Make tokens that were there less likely." };
        var stop = new Option<string[]>("--stop") { Description = "A text that ends the answer; may be given several times.", DefaultValueFactory = _ => [] };
        var seed = new Option<ulong?>("--seed") { Description = "Seed of the draws." };
        var command = new Command("generate", "Continue a prompt; the text goes to standard output, the speed to standard error.")
        {
            adapter, prompt, maxNewTokens, temperature, topK, topP, repetitionPenalty, stop, seed,
        };
        model.AddTo(command);
        command.SetAction(async (parse, cancellation) =>
        {
            var folder = parse.GetValue(model.Model)!;
            using var loaded = AutoModel.Load(folder, model.Dtype(parse), model.Device(parse));
            var decoder = loaded as ICausalLM ?? throw new LoraException($"{folder}: expected a decoder, which can write text, found {loaded.GetType().Name}.");
            using var update = parse.GetValue(adapter) is { } path ? loaded.LoadAdapter(path) : null;
            update?.Freeze();
            loaded.ActiveAdapter = update;
            await Write(new TextGenerator(decoder, AutoTokenizer.Load(folder)), await Prompt(parse.GetValue(prompt)!, cancellation), Options(folder), cancellation);

            GenerationOptions Options(string folder)
            {
                var saved = GenerationOptions.Load(folder);
                var draws = parse.GetValue(temperature) is { } t ? t > 0 : saved.DoSample || parse.GetValue(topK) is not null || parse.GetValue(topP) is not null;
                return saved with
                {
                    MaxNewTokens = parse.GetValue(maxNewTokens) ?? saved.MaxNewTokens ?? (saved.MaxLength is null ? 256 : null),
                    DoSample = draws,
                    Temperature = draws ? parse.GetValue(temperature) ?? saved.Temperature : 1,
                    TopK = parse.GetValue(topK) ?? saved.TopK,
                    TopP = parse.GetValue(topP) ?? saved.TopP,
                    RepetitionPenalty = parse.GetValue(repetitionPenalty) ?? saved.RepetitionPenalty,
                    StopStrings = [.. saved.StopStrings, .. parse.GetValue(stop)!],
                    Seed = parse.GetValue(seed) ?? saved.Seed,
                };
            }
        });
        return command;
    }

    private static async Task<string> Prompt(string given, CancellationToken cancellation)
        => given == "-" ? await Console.In.ReadToEndAsync(cancellation) : given;

    private static async Task Write(TextGenerator generator, string prompt, GenerationOptions options, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var tokens = 0;
        var firstToken = TimeSpan.Zero;
        try
        {
            await foreach (var update in generator.StreamText(prompt, options, cancellation))
            {
                Console.Write(update.Text);
                if (update.Id is not null && tokens++ == 0)
                {
                    firstToken = clock.Elapsed;
                }
            }
        }
        finally
        {
            Console.WriteLine();
        }

        // The first token also reads the prompt.
        var rest = (clock.Elapsed - firstToken).TotalSeconds;
        Console.Error.WriteLine(FormattableString.Invariant($"{tokens} tokens; the first after {firstToken.TotalSeconds:F2} s, then {(tokens > 1 ? (tokens - 1) / rest : 0):F1} tokens/s"));
    }
}
