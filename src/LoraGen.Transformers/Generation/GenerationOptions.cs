namespace LoraGen.Transformers.Generation;

/// <summary>
/// How to write on after a prompt: the options of Hugging Face's GenerationConfig, with its defaults. <see cref="Load"/> takes them from a
/// checkpoint's folder.
/// </summary>
public sealed record GenerationOptions
{
    /// <summary>The most tokens to write (<c>max_new_tokens</c>); null goes by <see cref="MaxLength"/>, and without that means 20.</summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>The most tokens of prompt and continuation together (<c>max_length</c>), heeded where <see cref="MaxNewTokens"/> is null.</summary>
    public int? MaxLength { get; init; }

    /// <summary>Whether tokens are drawn by their probabilities (<c>do_sample</c>); else the likeliest is taken.</summary>
    public bool DoSample { get; init; }

    /// <summary>What logits are divided by before a draw (<c>temperature</c>): below 1 the likely becomes likelier.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Draw among that many likeliest tokens only (<c>top_k</c>); 0 draws among all.</summary>
    public int TopK { get; init; } = 50;

    /// <summary>Draw among the likeliest tokens whose probabilities reach this sum (<c>top_p</c>, arXiv 1904.09751); 1 draws among all.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Makes tokens of the prompt and the continuation less likely (<c>repetition_penalty</c>, arXiv 1909.05858); 1 leaves them.</summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>No sequence of that many tokens occurs twice (<c>no_repeat_ngram_size</c>), the prompt included; 0 allows it.</summary>
    public int NoRepeatNgramSize { get; init; }

    /// <summary>How many continuations beam search follows (<c>num_beams</c>); 1 is no beam search.</summary>
    public int NumBeams { get; init; } = 1;

    /// <summary>Beam search divides a log-probability by the number of new tokens to this power (<c>length_penalty</c>): above 0 favours length.</summary>
    public double LengthPenalty { get; init; } = 1;

    /// <summary>When beam search ends (<c>early_stopping</c>).</summary>
    public EarlyStopping EarlyStopping { get; init; }

    /// <summary>Tokens that end a text (<c>eos_token_id</c>); null means the tokenizer's, empty means none.</summary>
    public IReadOnlyList<int>? EosTokenIds { get; init; }

    /// <summary>Texts that end a text (<c>stop_strings</c>) and are cut off it.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>What fills up a batch (<c>pad_token_id</c>). Padding changes nothing for a text, so that any token will do.</summary>
    public int? PadTokenId { get; init; }

    /// <summary>Whether the keys and values of earlier tokens are kept (<c>use_cache</c>); without, each step reads the whole text anew.</summary>
    public bool UseCache { get; init; } = true;

    /// <summary>Seed of the draws; null takes another each time. One seed gives one text for one model, batch and device.</summary>
    public ulong? Seed { get; init; }

    /// <summary>
    /// The options of a checkpoint's folder: <c>generation_config.json</c>, or without one the end and padding tokens of <c>config.json</c>.
    /// </summary>
    /// <exception cref="LoraException">There is neither, one is malformed, or it asks for something that is not implemented.</exception>
    public static GenerationOptions Load(string folder) => GenerationConfigFile.Read(folder);

    /// <summary>The most tokens to write after a prompt.</summary>
    internal int NewTokensAfter(int promptLength) => MaxNewTokens ?? (MaxLength is { } length ? length - promptLength : 20);

    /// <exception cref="LoraException">A value means nothing, or two contradict each other.</exception>
    internal void Check()
    {
        Require(MaxNewTokens is null or > 0, "max_new_tokens", "1 or more", MaxNewTokens);
        Require(!DoSample || (Temperature > 0 && double.IsFinite(Temperature)), "temperature", "more than 0 where do_sample is true (without it the likeliest token is taken)", Temperature);
        Require(TopK >= 0, "top_k", "0 or more", TopK);
        Require(TopP is > 0 and <= 1, "top_p", "more than 0 and at most 1", TopP);
        Require(RepetitionPenalty > 0 && double.IsFinite(RepetitionPenalty), "repetition_penalty", "more than 0", RepetitionPenalty);
        Require(NoRepeatNgramSize >= 0, "no_repeat_ngram_size", "0 or more", NoRepeatNgramSize);
        Require(NumBeams >= 1, "num_beams", "1 or more", NumBeams);
        Require(NumBeams == 1 || !DoSample, "do_sample", "false where num_beams is more than 1", DoSample);
        Require(NumBeams == 1 || StopStrings.Count == 0, "stop_strings", "none where num_beams is more than 1", StopStrings.Count);
        Require(double.IsFinite(LengthPenalty), "length_penalty", "a finite number", LengthPenalty);
        Require(Enum.IsDefined(EarlyStopping), "early_stopping", "Heuristic, Always or Never", EarlyStopping);
        Require(StopStrings.All(stop => stop.Length > 0), "stop_strings", "strings that are not empty", "an empty one");
    }

    internal static void Require(bool holds, string key, string expected, object? found)
    {
        if (!holds)
        {
            throw new LoraException(FormattableString.Invariant($"Generation: {key}: expected {expected}, found {found}."));
        }
    }
}
