using LoraGen.Transformers.Generation;
using LoraGen.Transformers.Tests.Tokenizers;
using LoraGen.Transformers.Tokenizers;
using TorchSharp;

namespace LoraGen.Transformers.Tests.Generation;

/// <summary>A stream tells piece by piece what Generate tells at the end, and lets go of everything when its reader leaves.</summary>
public sealed class StreamTests
{
    private static readonly TextTokenizer Tokenizer = TinyTokenizer.Create();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_pieces_of_a_text_and_why_it_ended()
    {
        var updates = await Read(Generator("the größer 漢字 😀 loader" + TinyTokenizer.End), new() { MaxNewTokens = 60 });
        Assert.Equal("the größer 漢字 😀 loader", string.Concat(updates.Select(update => update.Text)));
        Assert.Equal(Tokenizer.Encode("the größer 漢字 😀 loader"), updates[..^1].Select(update => update.Id!.Value));
        Assert.Equal((null, FinishReason.EndToken), (updates[^1].Id, updates[^1].Finish));
        Assert.All(updates, update => Assert.DoesNotContain('\ufffd', update.Text));
        Assert.All(updates[..^1], update => Assert.Null(update.Finish));
    }

    [Fact]
    public async Task What_Generate_gives_when_tokens_are_drawn()
    {
        var generator = new TextGenerator(new TableModel(Tokenizer.VocabSize, 8), Tokenizer);
        var options = new GenerationOptions { DoSample = true, Seed = 5, MaxNewTokens = 50, EosTokenIds = [] };
        var whole = generator.Generate([[7, 8]], options, Cancellation)[0];
        var updates = await Read(generator, options, [7, 8]);
        Assert.Equal(whole.Ids, updates.Where(update => update.Id is not null).Select(update => update.Id!.Value));
        Assert.Equal(whole.Text, string.Concat(updates.Select(update => update.Text)));
        Assert.Equal(FinishReason.Length, updates[^1].Finish);
    }

    // "ST" and "STOL" begin like the stop string: what is shown must never have to be taken back.
    [Theory]
    [InlineData("the STOL STOP loader", "the STOL ")]
    [InlineData("the ST", "the ST")]
    [InlineData("STOP", "")]
    [InlineData("the SSTOP", "the S")]
    [InlineData("漢END字", "漢")]
    public async Task A_stop_string_and_all_after_it_are_cut_off(string written, string expected)
    {
        var options = new GenerationOptions { MaxNewTokens = 60, StopStrings = ["STOP", "END", "ENDS"] };
        var updates = await Read(Generator(written + TinyTokenizer.End), options);
        Assert.Equal(expected, string.Concat(updates.Select(update => update.Text)));
        Assert.Equal(written == expected ? FinishReason.EndToken : FinishReason.StopString, updates[^1].Finish);
        var whole = Generator(written + TinyTokenizer.End).GenerateText("a", options, Cancellation);
        Assert.Equal((expected, updates[^1].Finish), (whole.Text, whole.Finish));
        Assert.StartsWith(expected, Tokenizer.Decode(whole.Ids), StringComparison.Ordinal);
    }

    // SentencePiece writes the space before a word into the word: after a prompt it is part of the text.
    [Fact]
    public async Task A_text_goes_on_after_its_prompt_with_the_space_between()
    {
        var llama = SentencePieceTests.Llama();
        var options = new GenerationOptions { MaxNewTokens = 1 };
        TextGenerator Writing() => new(new ScriptedModel(llama.VocabSize, [llama.IdOf("\u2581the")!.Value]), llama);
        Assert.Equal(" the", Writing().GenerateText("load", options, Cancellation).Text);
        Assert.Equal(" the", Writing().GenerateText("load", options with { NumBeams = 2 }, Cancellation).Text);
        Assert.Equal(" the", string.Concat((await Read(Writing(), options, llama.Encode("load"))).Select(update => update.Text)));
        Assert.Equal("the", Writing().GenerateText("", options, Cancellation).Text);
    }

    // The eleventh pass waits until the reader is on its way out.
    [Fact]
    public async Task A_reader_that_leaves_early_ends_the_writing_before_it_is_gone()
    {
        var passes = 0;
        using var reached = new ManualResetEventSlim();
        using var leaving = new ManualResetEventSlim();
        var model = new ScriptedModel(Tokenizer.VocabSize, Tokenizer.Encode("the loader "))
        {
            OnPass = pass =>
            {
                passes++;
                if (pass == 10)
                {
                    reached.Set();
                    leaving.Wait(Cancellation);
                }
            },
        };
        var reader = new TextGenerator(model, Tokenizer).Stream([2], new() { MaxNewTokens = 4000 }, Cancellation).GetAsyncEnumerator(Cancellation);
        for (var read = 0; read < 3; read++)
        {
            Assert.True(await reader.MoveNextAsync());
        }

        reached.Wait(Cancellation);
        var left = reader.DisposeAsync();
        leaving.Set();
        await left;
        Assert.Equal(11, passes);
    }

    [Fact]
    public async Task A_cancelled_stream_says_so()
    {
        using var source = new CancellationTokenSource();
        var model = new ScriptedModel(Tokenizer.VocabSize, Tokenizer.Encode("the loader ")) { OnPass = pass => { if (pass == 5) source.Cancel(); } };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in new TextGenerator(model, Tokenizer).Stream([2], new() { MaxNewTokens = 4000 }, source.Token))
            {
            }
        });
    }

    [Fact]
    public void A_cancelled_call_says_so()
    {
        using var source = new CancellationTokenSource();
        var model = new ScriptedModel(Tokenizer.VocabSize, [5]) { OnPass = pass => { if (pass == 5) source.Cancel(); } };
        Assert.Throws<OperationCanceledException>(() => new TextGenerator(model).Generate([[2]], new() { MaxNewTokens = 4000 }, source.Token));
        Assert.Throws<OperationCanceledException>(() => new TextGenerator(model).Generate([[2]], new() { NumBeams = 2 }, source.Token));
    }

    [Fact]
    public async Task What_the_model_throws_reaches_the_reader()
    {
        var model = new ScriptedModel(Tokenizer.VocabSize, [5]) { OnPass = pass => { if (pass == 2) throw new LoraException("broken"); } };
        var error = await Assert.ThrowsAsync<LoraException>(() => Read(new(model, Tokenizer), new()));
        Assert.Equal("broken", error.Message);
    }

    // Each pass counts the live tensors of the thread that makes it.
    [Fact]
    public async Task No_tensor_is_left_by_two_hundred_steps()
    {
        var live = new List<long>();
        var model = new TableModel(20, 4) { OnPass = () => live.Add(DisposeScopeManager.Statistics.ThreadTotalLiveCount) };
        var options = new GenerationOptions { MaxNewTokens = 220, DoSample = true, TopP = 0.9, RepetitionPenalty = 1.1, NoRepeatNgramSize = 4, Temperature = 0.9, Seed = 1 };
        await Read(new(model), options);
        Assert.Equal(220, live.Count);
        Assert.Equal(live[10], live[^1]);
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        new TextGenerator(model).Generate([[1], [2, 3]], options, Cancellation);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static TextGenerator Generator(string script) => new(new ScriptedModel(Tokenizer.VocabSize, Tokenizer.Encode(script)), Tokenizer);

    private static async Task<List<GenerationUpdate>> Read(TextGenerator generator, GenerationOptions options, int[]? prompt = null)
    {
        var updates = new List<GenerationUpdate>();
        await foreach (var update in generator.Stream(prompt ?? [2], options, Cancellation))
        {
            updates.Add(update);
        }

        return updates;
    }
}
