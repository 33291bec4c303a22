using LoraGen.Tests.Files;
using LoraGen.Tests.Reference;
using LoraGen.Transformers.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Llama;

/// <summary>A checkpoint is loaded as it is or not at all; the message names file, key, expected and found.</summary>
public sealed class CheckpointTests : IDisposable
{
    private const string Key = "model.layers.1.self_attn.k_proj.weight";

    private readonly ScratchFolder _folder = new();
    private readonly string _weights;

    public CheckpointTests()
    {
        _weights = _folder.PathOf("model.safetensors");
        using var model = TinyLlama.Create(TinyLlama.Config());
        model.Save(_folder.Path);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Comes_back_bit_for_bit()
    {
        using var model = TinyLlama.Create(TinyLlama.Config());
        using var loaded = LlamaForCausalLM.Load(_folder.Path);
        Assert.Equal(Bytes(model), Bytes(loaded));
        Assert.Equivalent(model.Config, loaded.Config);
    }

    [Fact]
    public void With_a_head_of_its_own_comes_back_bit_for_bit()
    {
        using var model = TinyLlama.Create(TinyLlama.Config(tied: false));
        model.Save(_folder.Path);
        using var loaded = LlamaForCausalLM.Load(_folder.Path);
        Assert.Contains("lm_head.weight", loaded.state_dict().Keys);
        Assert.Equal(Bytes(model), Bytes(loaded));
    }

    [Fact]
    public void Keeps_the_files_dtype_or_takes_the_one_asked_for()
    {
        using var narrow = LlamaForCausalLM.Load(_folder.Path, ScalarType.BFloat16);
        Assert.All(narrow.parameters(), parameter => Assert.Equal(ScalarType.BFloat16, parameter.dtype));
        narrow.Save(_folder.Path);
        using var again = LlamaForCausalLM.Load(_folder.Path);
        Assert.All(again.parameters(), parameter => Assert.Equal(ScalarType.BFloat16, parameter.dtype));
        Assert.Equal(Bytes(narrow), Bytes(again));
    }

    [Fact]
    public void Initial_weights_are_the_same_for_the_same_generator()
    {
        Assert.Equal(BytesOf(1), BytesOf(1));
        Assert.NotEqual(BytesOf(1)["model.embed_tokens.weight"], BytesOf(2)["model.embed_tokens.weight"]);

        static Dictionary<string, byte[]> BytesOf(ulong seed)
        {
            using var generator = new Generator(seed, CPU);
            using var model = new LlamaForCausalLM(TinyLlama.Config());
            model.Initialize(generator);
            return Bytes(model);
        }
    }

    [Fact]
    public void A_missing_key()
    {
        Edit(file => file.Tensors.Remove(Key));
        Refused(_weights, $"missing: [{Key}]", "unexpected: []");
    }

    [Fact]
    public void An_unexpected_key()
    {
        Edit(file => file.Tensors["score.weight"] = file.Tensors["model.embed_tokens.weight"]);
        Refused(_weights, "missing: []", "unexpected: [score.weight]");
    }

    [Fact]
    public void A_wrong_shape()
    {
        Edit(file => file.Tensors[Key] = file.Tensors[Key] with { Shape = [24, 12] });
        Refused(_weights, Key, "expected shape [12, 24]", "found [24, 12]");
    }

    [Fact]
    public void A_shape_that_would_broadcast()
    {
        Edit(file => file.Tensors["model.norm.weight"] = new SafetensorsBytes.Stored("F32", [1], new byte[4]));
        Refused(_weights, "model.norm.weight", "expected shape [24]", "found [1]");
    }

    [Fact]
    public void Mixed_dtypes_without_a_word_which_to_take()
    {
        Edit(file => file.Tensors["model.norm.weight"] = new SafetensorsBytes.Stored("BF16", [24], new byte[48]));
        Refused(_weights, "expected one dtype", "Float32", "BFloat16");
        using var model = LlamaForCausalLM.Load(_folder.Path, ScalarType.Float32);
    }

    [Fact]
    public void Weights_that_are_no_floating_point_numbers()
    {
        Edit(file =>
        {
            foreach (var (key, tensor) in file.Tensors.ToList())
            {
                file.Tensors[key] = tensor with { Dtype = "I32" };
            }
        });
        Refused(_weights, "expected", "Int32");
    }

    [Fact]
    public void A_truncated_file()
    {
        File.WriteAllBytes(_weights, File.ReadAllBytes(_weights)[..^1]);
        Refused(_weights, "truncated");
    }

    [Fact]
    public void A_missing_weights_file()
    {
        File.Delete(_weights);
        Refused(_weights);
    }

    [Fact]
    public void A_missing_config()
    {
        File.Delete(_folder.PathOf("config.json"));
        Refused(_folder.PathOf("config.json"));
    }

    private void Edit(Action<SafetensorsBytes> edit)
    {
        var file = SafetensorsBytes.Parse(File.ReadAllBytes(_weights));
        edit(file);
        File.WriteAllBytes(_weights, file.ToArray());
    }

    private void Refused(params string[] named)
    {
        var refusal = Assert.Throws<LoraException>(() => LlamaForCausalLM.Load(_folder.Path));
        Assert.All(named, part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
    }

    private static Dictionary<string, byte[]> Bytes(nn.Module module)
        => module.state_dict().ToDictionary(item => item.Key, item => item.Value.bytes.ToArray());
}
