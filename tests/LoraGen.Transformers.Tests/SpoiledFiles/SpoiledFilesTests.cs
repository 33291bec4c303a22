using LoraGen.Tests.Files;
using LoraGen.Tests.Reference;
using LoraGen.Transformers.Checkpoints;
using LoraGen.Transformers.Generation;
using LoraGen.Transformers.Tests.Encoders;
using LoraGen.Transformers.Tests.Gpt2;
using LoraGen.Transformers.Tests.Llama;
using LoraGen.Transformers.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.SpoiledFiles;

/// <summary>
/// Nine thousand spoiled files of checkpoints and tokenizers, the same in each run: the answer is a LoraException of one line, or something
/// that works, and it takes no more memory than a small multiple of the file. LoraGen.Tests does the same to adapters.
/// </summary>
public sealed class SpoiledFilesTests : IDisposable
{
    private const int Attempts = 1000;

    // What is made of a config that is read, and an exception with its message and stack.
    private const long Fixed = 12 << 20, PerByte = 256;

    private readonly ScratchFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("config.json")]
    public void Of_a_Llama(string file)
    {
        using (var model = TinyLlama.Create(TinyLlama.Config())) model.Save(folder.PathOf("model"));
        Mutate(file, ReadsALlama);
    }

    [Fact]
    public void Of_a_GPT_2_its_config()
    {
        using (var model = TinyGpt2.Create()) model.Save(folder.PathOf("model"));
        Mutate("config.json", ReadsALlama);
    }

    [Fact]
    public void Of_a_BERT_its_config()
    {
        using (var model = TinyEncoder.Create("BertForSequenceClassification")) ((IPretrainedModel)model.Model).Save(folder.PathOf("model"));
        Mutate("config.json", () => AutoModel.Load(folder.PathOf("model")).Dispose());
    }

    [Fact]
    public void Of_generation_its_options()
    {
        Write("generation_config.json", """{"max_new_tokens": 20, "do_sample": true, "temperature": 0.7, "top_k": 40, "top_p": 0.9, "repetition_penalty": 1.2, "eos_token_id": [2, 3], "num_beams": 1}""");
        Mutate("generation_config.json", () => GenerationOptions.Load(folder.PathOf("model")));
    }

    [Theory]
    [InlineData("""{"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}, "decoder": {"type": "ByteLevel"}, "added_tokens": [{"id": 6, "content": "<s>", "special": true}], "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4, "Ġ": 5, "<s>": 6}, "merges": ["a b", ["ab", "c"]]}}""")]
    [InlineData("""{"normalizer": {"type": "BertNormalizer", "lowercase": true}, "pre_tokenizer": {"type": "BertPreTokenizer"}, "decoder": {"type": "WordPiece", "prefix": "##"}, "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": {"[UNK]": 0, "a": 1, "ab": 2, "##c": 3, "##b": 4}}}""")]
    [InlineData("""{"pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}, "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}, "model": {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["▁", -2.0], ["a", -1.0], ["b", -1.5], ["c", -1.7], ["▁ab", -0.5], ["bc", -0.9]]}}""")]
    public void Of_a_tokenizer(string json)
    {
        Write("tokenizer.json", json);
        Mutate("tokenizer.json", () =>
        {
            var tokenizer = AutoTokenizer.Load(folder.PathOf("model"));
            tokenizer.Decode(tokenizer.Encode("abc cab ab"));
        });
    }

    [Fact]
    public void Of_a_pair_of_BPE_files()
    {
        Write("config.json", """{"model_type": "gpt2"}""");
        Write("tokenizer_config.json", """{"tokenizer_class": "GPT2Tokenizer", "bos_token": "abc", "eos_token": "abc", "unk_token": "abc"}""");
        Write("merges.txt", "#version: 0.2\na b\nab c\n");
        Write("vocab.json", """{"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4, "Ġ": 5}""");
        Mutate("vocab.json", () => AutoTokenizer.Load(folder.PathOf("model")).Encode("abc"));
    }

    private void ReadsALlama()
    {
        using var model = AutoModel.Load(folder.PathOf("model"));
        using var inference = no_grad();
        using var scope = NewDisposeScope();
        ((nn.Module<Tensor, Tensor>)model).call(tensor(new long[] { 1, 2, 3 }).unsqueeze(0));
    }

    private void Write(string name, string content)
    {
        Directory.CreateDirectory(folder.PathOf("model"));
        File.WriteAllText(Path.Combine(folder.PathOf("model"), name), content);
    }

    private void Mutate(string name, Action use)
    {
        var path = Path.Combine(folder.PathOf("model"), name);
        var whole = File.ReadAllBytes(path);
        var mutations = new Mutations(seed: 7, [whole]);
        use(); // Once for what is only made the first time.
        var (worked, refused) = (0, 0);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var spoilt = mutations.Of(whole);
            File.Delete(path); // ext4 flushes a file that is overwritten in place.
            File.WriteAllBytes(path, spoilt);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                use();
                worked++;
            }
            catch (LoraException e)
            {
                Assert.DoesNotContain('\n', e.Message);
                refused++;
            }
            catch (Exception e)
            {
                Assert.Fail($"attempt {attempt}: {e}\n{System.Text.Encoding.UTF8.GetString(spoilt)}");
            }

            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated < (PerByte * spoilt.Length) + Fixed, $"attempt {attempt}: {allocated} bytes allocated for {spoilt.Length}\n{System.Text.Encoding.UTF8.GetString(spoilt)}");
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{worked} worked, {refused} refused");
        Assert.InRange(worked, Attempts / 100, Attempts);
        Assert.InRange(refused, Attempts / 100, Attempts);
    }
}
