using System.Text.Json;
using LoraGen.Transformers.Tokenizers.Files;

namespace LoraGen.Transformers.Generation;

/// <summary>Hugging Face's <c>generation_config.json</c>.</summary>
internal static class GenerationConfigFile
{
    private const string FileName = "generation_config.json";

    // These change no text, or speak of encoders and decoders that a decoder alone does not have.
    private static readonly HashSet<string> Harmless =
    [
        "transformers_version", "bos_token_id", "decoder_start_token_id", "cache_implementation", "return_dict_in_generate",
        "output_scores", "output_logits", "output_attentions", "output_hidden_states",
    ];

    // Options that are not implemented; with these values they do nothing.
    private static readonly Dictionary<string, double> Neutral = new()
    {
        ["typical_p"] = 1, ["encoder_repetition_penalty"] = 1, ["num_beam_groups"] = 1, ["num_return_sequences"] = 1,
    };

    public static GenerationOptions Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!Path.Exists(path))
        {
            var config = JsonPart.Read(Path.Combine(folder, "config.json"));
            return new() { EosTokenIds = Ids(config["eos_token_id"]), PadTokenId = Number(config["pad_token_id"]) };
        }

        var options = new GenerationOptions();
        foreach (var (name, value) in JsonPart.Read(path).Members)
        {
            options = value.IsNull ? options : With(options, name, value);
        }

        options.Check();
        return options;
    }

    private static GenerationOptions With(GenerationOptions options, string name, JsonPart value)
    {
        switch (name)
        {
            case "max_new_tokens":
                return options with { MaxNewTokens = value.Number };
            case "max_length":
                return options with { MaxLength = value.Number };
            case "do_sample":
                return options with { DoSample = value.Flag(absent: false) };
            case "temperature":
                return options with { Temperature = value.Real };
            case "top_k":
                return options with { TopK = value.Number };
            case "top_p":
                return options with { TopP = value.Real };
            case "repetition_penalty":
                return options with { RepetitionPenalty = value.Real };
            case "no_repeat_ngram_size":
                return options with { NoRepeatNgramSize = value.Number };
            case "num_beams":
                return options with { NumBeams = value.Number };
            case "length_penalty":
                return options with { LengthPenalty = value.Real };
            case "early_stopping":
                return options with
                {
                    EarlyStopping = !value.IsText ? value.Flag(absent: false) ? EarlyStopping.Always : EarlyStopping.Heuristic
                        : value.Text == "never" ? EarlyStopping.Never : throw value.Refusal("true, false or \"never\""),
                };
            case "eos_token_id":
                return options with { EosTokenIds = Ids(value) };
            case "pad_token_id":
                return options with { PadTokenId = Number(value) };
            case "stop_strings":
                return options with { StopStrings = value.IsList ? [.. value.Items.Select(item => item.Text)] : [value.Text] };
            case "use_cache":
                return options with { UseCache = value.Flag(absent: true) };
            default:
                return name.StartsWith('_') || Harmless.Contains(name) || DoesNothing(name, value.Value)
                    ? options
                    : throw value.Refusal("nothing, for the option is not implemented");
        }
    }

    private static bool DoesNothing(string name, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.False => true,
        JsonValueKind.Number => value.GetDouble() == Neutral.GetValueOrDefault(name, 0),
        JsonValueKind.String => value.GetString()!.Length == 0,
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        _ => false,
    };

    private static IReadOnlyList<int>? Ids(JsonPart part) => part.IsNull ? null : part.IsList ? [.. part.Items.Select(item => item.Number)] : [part.Number];

    private static int? Number(JsonPart part) => part.IsNull ? null : part.Number;
}
