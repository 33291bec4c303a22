using LoraGen.Tests.Files;
using LoraGen.Transformers.Generation;

namespace LoraGen.Transformers.Tests.Generation;

/// <summary>What makes no sense is refused in one line that names it; what a checkpoint's file says is taken over, or refused by key.</summary>
public sealed class OptionsTests : IDisposable
{
    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, GenerationOptions> Bad => new()
    {
        { "max_new_tokens", new() { MaxNewTokens = 0 } },
        { "temperature", new() { DoSample = true, Temperature = 0 } },
        { "temperature", new() { DoSample = true, Temperature = -1 } },
        { "temperature", new() { DoSample = true, Temperature = double.NaN } },
        { "top_k", new() { TopK = -1 } },
        { "top_p", new() { TopP = 0 } },
        { "top_p", new() { TopP = 1.01 } },
        { "top_p", new() { TopP = double.NaN } },
        { "repetition_penalty", new() { RepetitionPenalty = 0 } },
        { "no_repeat_ngram_size", new() { NoRepeatNgramSize = -1 } },
        { "num_beams", new() { NumBeams = 0 } },
        { "do_sample", new() { NumBeams = 2, DoSample = true } },
        { "stop_strings", new() { NumBeams = 2, StopStrings = ["x"] } },
        { "stop_strings", new() { StopStrings = [""] } },
        { "stop_strings", new() { StopStrings = ["x"] } },
        { "length_penalty", new() { LengthPenalty = double.PositiveInfinity } },
        { "early_stopping", new() { EarlyStopping = (EarlyStopping)7 } },
        { "pad_token_id", new() { PadTokenId = 5 } },
        { "max_length", new() { MaxLength = 2 } },
        { "max_new_tokens", new() { MaxNewTokens = 31 } },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void A_bad_option(string key, GenerationOptions options)
        => Assert.StartsWith($"Generation: {key}: expected ", Assert.Throws<LoraException>(() => Write(options, [0, 1])).Message, StringComparison.Ordinal);

    [Fact]
    public void As_many_tokens_as_the_model_reads() => Assert.Equal(30, Write(new() { MaxNewTokens = 30 }, [0, 1]));

    [Fact]
    public void Twenty_tokens_where_nothing_is_said() => Assert.Equal(20, Write(new(), [0, 1]));

    [Fact]
    public void A_length_of_prompt_and_continuation() => Assert.Equal(5, Write(new() { MaxLength = 7 }, [0, 1]));

    [Fact]
    public void A_bad_prompt()
    {
        Assert.Contains("prompt: expected one token or more", Assert.Throws<LoraException>(() => Write(new(), [])).Message, StringComparison.Ordinal);
        Assert.Contains("ids of 0 to 4", Assert.Throws<LoraException>(() => Write(new(), [5])).Message, StringComparison.Ordinal);
        Assert.Contains("ids of 0 to 4", Assert.Throws<LoraException>(() => Write(new(), [-1])).Message, StringComparison.Ordinal);
        Assert.Contains("prompts: expected one or more", Assert.Throws<LoraException>(() => Model.Write([], new())).Message, StringComparison.Ordinal);
        Assert.Contains("no tokenizer", Assert.Throws<LoraException>(() => new TextGenerator(Model).GenerateText("a", cancellation: TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
        Assert.Contains("a prompt of 33", Assert.Throws<LoraException>(() => Write(new() { MaxNewTokens = 1 }, new int[33])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stream_of_beams()
        => Assert.Contains("num_beams: expected 1 in a stream", Assert.Throws<LoraException>(() => new TextGenerator(Model).Stream([1], new() { NumBeams = 2 }, TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_options_of_a_file()
    {
        Write("""
            {"_from_model_config": true, "bos_token_id": 1, "eos_token_id": [2, 3], "pad_token_id": 0, "do_sample": true, "temperature": 0.6, "top_k": 20,
             "top_p": 0.9, "repetition_penalty": 1.1, "no_repeat_ngram_size": 3, "num_beams": 1, "length_penalty": 0.5, "early_stopping": "never", "max_length": 4096,
             "max_new_tokens": 9, "stop_strings": "END", "use_cache": false, "transformers_version": "4.53.3", "typical_p": 1.0, "min_length": 0, "renormalize_logits": false, "min_p": null}
            """);
        var options = GenerationOptions.Load(_folder.Path);
        Assert.Equal([2, 3], options.EosTokenIds!);
        Assert.Equal(["END"], options.StopStrings);
        var expected = new GenerationOptions
        {
            EosTokenIds = options.EosTokenIds, PadTokenId = 0, DoSample = true, Temperature = 0.6, TopK = 20, TopP = 0.9, RepetitionPenalty = 1.1, NoRepeatNgramSize = 3,
            LengthPenalty = 0.5, EarlyStopping = EarlyStopping.Never, MaxLength = 4096, MaxNewTokens = 9, StopStrings = options.StopStrings, UseCache = false,
        };
        Assert.Equal(expected, options);
    }

    [Theory]
    [InlineData("{\"eos_token_id\": 7}", 7)]
    [InlineData("{\"eos_token_id\": [7]}", 7)]
    public void An_end_token_alone_or_in_a_list(string content, int id)
    {
        Write(content);
        Assert.Equal([id], GenerationOptions.Load(_folder.Path).EosTokenIds!);
    }

    [Fact]
    public void The_end_token_of_the_config_where_there_is_no_such_file()
    {
        File.WriteAllText(_folder.PathOf("config.json"), """{"eos_token_id": 4, "pad_token_id": null}""");
        Assert.Equal([4], GenerationOptions.Load(_folder.Path).EosTokenIds!);
    }

    [Theory]
    [InlineData("{\"min_p\": 0.1}", "min_p: expected nothing, for the option is not implemented, found 0.1")]
    [InlineData("{\"typical_p\": 0.9}", "typical_p")]
    [InlineData("{\"num_return_sequences\": 2}", "num_return_sequences")]
    [InlineData("{\"suppress_tokens\": [1]}", "suppress_tokens")]
    [InlineData("{\"do_sample\": 1}", "do_sample: expected true or false, found 1")]
    [InlineData("{\"top_k\": \"50\"}", "top_k: expected a whole number, found \"50\"")]
    [InlineData("{\"early_stopping\": \"soon\"}", "early_stopping")]
    [InlineData("{\"top_p\": 2}", "top_p: expected more than 0 and at most 1, found 2")]
    [InlineData("[]", "expected a JSON object")]
    [InlineData("{", "cannot be read as JSON")]
    public void A_file_that_is_refused(string content, string expected)
    {
        Write(content);
        Assert.Contains(expected, Assert.Throws<LoraException>(() => GenerationOptions.Load(_folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_either_file() => Assert.Contains("config.json", Assert.Throws<LoraException>(() => GenerationOptions.Load(_folder.Path)).Message, StringComparison.Ordinal);

    private static TableModel Model => new(5, 1, positions: 32);

    private static int Write(GenerationOptions options, int[] prompt) => Model.Write([prompt], options)[0].Ids.Count;

    private void Write(string content) => File.WriteAllText(_folder.PathOf("generation_config.json"), content);
}
