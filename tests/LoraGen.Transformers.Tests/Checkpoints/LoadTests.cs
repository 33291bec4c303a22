using LoraGen.Tests.Reference;
using LoraGen.Transformers.Llama;
using LoraGen.Transformers.Tests.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Checkpoints;

/// <summary>A checkpoint is loaded as it is or not at all; the message names file, key, expected and found.</summary>
public sealed class LoadTests : IDisposable
{
    private const string Key = "model.layers.1.self_attn.k_proj.weight";

    private readonly TinyCheckpoint _saved = new();

    public void Dispose() => _saved.Dispose();

    [Fact]
    public void Comes_back_bit_for_bit()
    {
        using var model = TinyLlama.Create(TinyLlama.Config());
        using var loaded = LlamaForCausalLM.Load(_saved.Folder);
        Assert.Equal(TinyCheckpoint.Bytes(model), TinyCheckpoint.Bytes(loaded));
        Assert.Equivalent(model.Config, loaded.Config);
    }

    [Fact]
    public void With_a_head_of_its_own_comes_back_bit_for_bit()
    {
        using var model = TinyLlama.Create(TinyLlama.Config(tied: false));
        model.Save(_saved.Folder);
        using var loaded = LlamaForCausalLM.Load(_saved.Folder);
        Assert.Contains("lm_head.weight", loaded.state_dict().Keys);
        Assert.Equal(TinyCheckpoint.Bytes(model), TinyCheckpoint.Bytes(loaded));
    }

    [Fact]
    public void Keeps_the_files_dtype_or_takes_the_one_asked_for()
    {
        using var narrow = LlamaForCausalLM.Load(_saved.Folder, ScalarType.BFloat16);
        Assert.All(narrow.parameters(), parameter => Assert.Equal(ScalarType.BFloat16, parameter.dtype));
        narrow.Save(_saved.Folder);
        using var again = LlamaForCausalLM.Load(_saved.Folder);
        Assert.All(again.parameters(), parameter => Assert.Equal(ScalarType.BFloat16, parameter.dtype));
        Assert.Equal(TinyCheckpoint.Bytes(narrow), TinyCheckpoint.Bytes(again));
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
            return TinyCheckpoint.Bytes(model);
        }
    }

    [Fact]
    public void A_missing_key()
    {
        _saved.Edit(file => file.Tensors.Remove(Key));
        _saved.Refused(_saved.Weights, $"missing: [{Key}]", "unexpected: []");
    }

    [Fact]
    public void An_unexpected_key()
    {
        _saved.Edit(file => file.Tensors["score.weight"] = file.Tensors["model.embed_tokens.weight"]);
        _saved.Refused(_saved.Weights, "missing: []", "unexpected: [score.weight]");
    }

    [Fact]
    public void A_wrong_shape()
    {
        _saved.Edit(file => file.Tensors[Key] = file.Tensors[Key] with { Shape = [24, 12] });
        _saved.Refused(_saved.Weights, Key, "expected shape [12, 24]", "found [24, 12]");
    }

    [Fact]
    public void All_missing_and_unexpected_keys_are_listed()
    {
        _saved.Edit(file =>
        {
            file.Tensors.Remove(Key);
            file.Tensors.Remove("model.norm.weight");
            file.Tensors["a"] = file.Tensors["b"] = new SafetensorsBytes.Stored("F32", [1], new byte[4]);
        });
        _saved.Refused(_saved.Weights, $"missing: [{Key}, model.norm.weight]", "unexpected: [a, b]");
    }

    [Fact]
    public void A_bias_that_the_config_does_not_have()
    {
        _saved.Edit(file => file.Tensors["model.layers.0.self_attn.q_proj.bias"] = new SafetensorsBytes.Stored("F32", [24], new byte[96]));
        _saved.Refused("unexpected: [model.layers.0.self_attn.q_proj.bias]");
    }

    [Fact]
    public void Buffers_that_older_files_hold_are_passed_over()
    {
        var expected = _saved.Bytes();
        _saved.Edit(file => file.Tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = new SafetensorsBytes.Stored("F32", [3], new byte[12]));
        Assert.Equal(expected, _saved.Bytes());
    }

    [Fact]
    public void A_file_of_the_base_model_without_a_head()
    {
        var expected = _saved.Bytes();
        _saved.Edit(file =>
        {
            foreach (var (key, tensor) in file.Tensors.ToList())
            {
                file.Tensors.Remove(key);
                file.Tensors[key["model.".Length..]] = tensor;
            }
        });
        Assert.Equal(expected, _saved.Bytes());
    }

    [Fact]
    public void The_same_weight_under_two_names()
    {
        _saved.Edit(file => file.Tensors["norm.weight"] = file.Tensors["model.norm.weight"]);
        _saved.Refused("model.norm.weight: expected one tensor for this weight", "norm.weight");
    }

    [Fact]
    public void A_tied_head_that_is_in_the_file_too_is_owned_once()
    {
        var expected = _saved.Bytes();
        _saved.Edit(file => file.Tensors["lm_head.weight"] = file.Tensors["model.embed_tokens.weight"]);
        Assert.Equal(expected, _saved.Bytes());
        Assert.DoesNotContain("lm_head.weight", expected.Keys);
    }

    [Fact]
    public void A_tied_weight_that_is_in_the_file_as_the_head_alone()
    {
        var expected = _saved.Bytes();
        _saved.Edit(file =>
        {
            file.Tensors["lm_head.weight"] = file.Tensors["model.embed_tokens.weight"];
            file.Tensors.Remove("model.embed_tokens.weight");
        });
        Assert.Equal(expected, _saved.Bytes());
    }

    [Fact]
    public void A_tied_head_with_values_of_its_own()
    {
        _saved.Edit(file =>
        {
            var embedding = file.Tensors["model.embed_tokens.weight"];
            file.Tensors["lm_head.weight"] = embedding with { Data = [.. embedding.Data[..^1], (byte)(embedding.Data[^1] ^ 1)] };
        });
        _saved.Refused("lm_head.weight", "expected the values of model.embed_tokens.weight", "tie_word_embeddings");
    }

    [Fact]
    public void A_tied_head_of_another_shape()
    {
        _saved.Edit(file => file.Tensors["lm_head.weight"] = new SafetensorsBytes.Stored("F32", [1, 24], new byte[96]));
        _saved.Refused("lm_head.weight", "expected shape [19, 24]", "found [1, 24]");
    }

    [Fact]
    public void An_untied_model_needs_its_head()
    {
        _saved.EditJson("config.json", config => config["tie_word_embeddings"] = false);
        _saved.Refused("missing: [lm_head.weight]");
    }

    // Before memory is taken for what only the config believes in.
    [Fact]
    public void Sizes_that_fit_into_no_memory_are_refused_by_the_files_header()
    {
        _saved.EditJson("config.json", config => config["vocab_size"] = int.MaxValue);
        _saved.EditJson("config.json", config => config["intermediate_size"] = int.MaxValue);
        _saved.Refused("expected shape [2147483647, 24]", "found [19, 24]");
    }

    [Theory]
    [InlineData("BF16")]
    [InlineData("F16")]
    public void A_narrow_file_is_widened_exactly(string dtype)
    {
        var type = dtype == "BF16" ? ScalarType.BFloat16 : ScalarType.Float16;
        using (var narrow = LlamaForCausalLM.Load(_saved.Folder, type))
        {
            narrow.Save(_saved.Folder);
        }

        var stored = SafetensorsBytes.Parse(File.ReadAllBytes(_saved.Weights)).Tensors[Key];
        Assert.Equal(dtype, stored.Dtype);
        using var wide = LlamaForCausalLM.Load(_saved.Folder, ScalarType.Float32);
        var values = wide.state_dict()[Key].data<float>().ToArray();
        for (var i = 0; i < values.Length; i++)
        {
            var bits = BitConverter.ToUInt16(stored.Data, 2 * i);
            Assert.Equal(dtype == "BF16" ? BitConverter.Int32BitsToSingle(bits << 16) : (float)BitConverter.UInt16BitsToHalf(bits), values[i]);
        }
    }

    [Fact]
    public void Survives_the_dispose_scope_in_which_it_was_loaded_and_leaves_no_tensor()
    {
        using var saved = new TinyCheckpoint(FamilyConfigs.Of("qwen2"));
        var expected = saved.Bytes();
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (NewDisposeScope())
        {
            saved.Bytes();
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        LlamaForCausalLM model;
        using (NewDisposeScope())
        {
            model = LlamaForCausalLM.Load(saved.Folder);
        }

        Assert.Equal(expected, TinyCheckpoint.Bytes(model));
        model.Dispose();
    }

    [Fact]
    public void Pickled_weights_alone()
    {
        File.Move(_saved.Weights, _saved.PathOf("pytorch_model.bin"));
        _saved.Refused("pytorch_model.bin", "expected model.safetensors", "save_pretrained");
    }

    [Fact]
    public void A_shape_that_would_broadcast()
    {
        _saved.Edit(file => file.Tensors["model.norm.weight"] = new SafetensorsBytes.Stored("F32", [1], new byte[4]));
        _saved.Refused(_saved.Weights, "model.norm.weight", "expected shape [24]", "found [1]");
    }

    [Fact]
    public void Mixed_dtypes_without_a_word_which_to_take()
    {
        _saved.Edit(file => file.Tensors["model.norm.weight"] = new SafetensorsBytes.Stored("BF16", [24], new byte[48]));
        _saved.Refused(_saved.Weights, "expected one dtype", "Float32", "BFloat16");
        using var model = LlamaForCausalLM.Load(_saved.Folder, ScalarType.Float32);
    }

    [Fact]
    public void Weights_that_are_no_floating_point_numbers()
    {
        _saved.Edit(file =>
        {
            foreach (var (key, tensor) in file.Tensors.ToList())
            {
                file.Tensors[key] = tensor with { Dtype = "I32" };
            }
        });
        _saved.Refused(_saved.Weights, "expected", "Int32");
    }

    [Fact]
    public void A_truncated_file()
    {
        File.WriteAllBytes(_saved.Weights, File.ReadAllBytes(_saved.Weights)[..^1]);
        _saved.Refused(_saved.Weights, "truncated");
    }

    [Fact]
    public void A_missing_weights_file()
    {
        File.Delete(_saved.Weights);
        _saved.Refused(_saved.Weights);
    }

    [Fact]
    public void A_missing_config()
    {
        File.Delete(_saved.PathOf("config.json"));
        _saved.Refused(_saved.PathOf("config.json"));
    }
}
