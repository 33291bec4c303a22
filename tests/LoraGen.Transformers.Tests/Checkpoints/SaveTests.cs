using System.Text.Json.Nodes;
using LoraGen.Tests.Reference;
using LoraGen.Transformers.Llama;
using LoraGen.Transformers.Tests.Llama;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Checkpoints;

/// <summary>A saved folder is one that transformers opens, and a save leaves the old folder or the new one.</summary>
public sealed class SaveTests : IDisposable
{
    private readonly TinyCheckpoint _saved = new(TinyLlama.Config(tied: false));
    private readonly string _copy;

    public SaveTests() => _copy = _saved.Beside("copy");

    public void Dispose() => _saved.Dispose();

    [Fact]
    public void One_file_below_the_limit_with_the_metadata_that_transformers_asks_for()
    {
        Save(_copy);
        Assert.Equal(["config.json", "model.safetensors"], Names(_copy));
        var file = SafetensorsBytes.Parse(File.ReadAllBytes(Path.Combine(_copy, "model.safetensors")));
        Assert.Equal("pt", file.Metadata!["format"]);
        Assert.Equal(File.ReadAllBytes(_saved.Weights), File.ReadAllBytes(Path.Combine(_copy, "model.safetensors")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4000)]
    [InlineData(10_000)]
    public void Shards_hold_no_more_than_the_limit_and_every_tensor_once(long limit)
    {
        Save(_copy, limit);

        var whole = SafetensorsBytes.Parse(File.ReadAllBytes(_saved.Weights)).Tensors;
        var index = JsonNode.Parse(File.ReadAllText(Path.Combine(_copy, "model.safetensors.index.json")))!;
        var shards = Names(_copy).Where(name => name.EndsWith(".safetensors", StringComparison.Ordinal)).ToList();
        Assert.Equal(Enumerable.Range(1, shards.Count).Select(number => $"model-{number:D5}-of-{shards.Count:D5}.safetensors"), shards);
        Assert.Equal(whole.Values.Sum(tensor => tensor.Data.Length), (long)index["metadata"]!["total_size"]!);
        var map = index["weight_map"]!.AsObject().ToDictionary(item => item.Key, item => (string)item.Value!);
        var found = new Dictionary<string, byte[]>();
        foreach (var name in shards)
        {
            var shard = SafetensorsBytes.Parse(File.ReadAllBytes(Path.Combine(_copy, name)));
            Assert.Equal("pt", shard.Metadata!["format"]);
            Assert.True(shard.Tensors.Count == 1 || shard.Tensors.Values.Sum(tensor => tensor.Data.Length) <= limit, name);
            Assert.All(shard.Tensors, tensor => Assert.Equal(name, map[tensor.Key]));
            foreach (var (key, stored) in shard.Tensors)
            {
                found.Add(key, stored.Data);
            }
        }

        Assert.Equal(whole.Keys.Order(StringComparer.Ordinal), map.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(whole.ToDictionary(item => item.Key, item => item.Value.Data), found);
        Assert.Equal(_saved.Bytes(), _saved.Bytes(_copy));
    }

    // Exactly the limit is not above it.
    [Fact]
    public void A_limit_of_all_bytes_gives_one_file_and_one_less_gives_two()
    {
        var bytes = _saved.Bytes().Values.Sum(tensor => tensor.Length);
        Save(_copy, bytes);
        Assert.Contains("model.safetensors", Names(_copy));
        Save(_copy, bytes - 1);
        Assert.Equal(["config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"], Names(_copy));
    }

    [Fact]
    public void The_config_is_carried_along_as_it_is_but_for_the_dtype()
    {
        const string Config = """
            {
              "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2,
              "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 19, "max_position_embeddings": 32, "rms_norm_eps": 1e-05,
              "torch_dtype": "float32", "transformers_version": "4.46.3", "initializer_range": 0.020, "_name_or_path": "Ünïcode/<tiny>", "pad_token_id": null
            }
            """;
        File.WriteAllText(_saved.PathOf("config.json"), Config);
        using var model = LlamaForCausalLM.Load(_saved.Folder, ScalarType.BFloat16);
        model.Save(_copy);

        var expected = JsonNode.Parse(Config)!;
        expected["torch_dtype"] = "bfloat16";
        var written = File.ReadAllText(Path.Combine(_copy, "config.json"));
        Assert.True(JsonNode.DeepEquals(expected, JsonNode.Parse(written)), written);
        Assert.All(["1e-05", "0.020", "Ünïcode/<tiny>"], literal => Assert.Contains(literal, written, StringComparison.Ordinal));
    }

    [Fact]
    public void The_key_of_Transformers_5_for_the_dtype_is_kept()
    {
        _saved.EditJson("config.json", config =>
        {
            config.Remove("torch_dtype");
            config["dtype"] = "float32";
        });
        using var model = LlamaForCausalLM.Load(_saved.Folder, ScalarType.Float16);
        model.Save(_copy);
        var written = JsonNode.Parse(File.ReadAllText(Path.Combine(_copy, "config.json")))!.AsObject();
        Assert.Equal("float16", (string?)written["dtype"]);
        Assert.False(written.ContainsKey("torch_dtype"));
    }

    [Fact]
    public void The_tokenizer_is_carried_along_and_other_files_are_not()
    {
        foreach (var name in new[] { "tokenizer.json", "tokenizer_config.json", "generation_config.json", "chat_template.jinja", "README.md" })
        {
            File.WriteAllText(_saved.PathOf(name), $"content of {name}");
        }

        Save(_copy);
        Assert.Equal(["chat_template.jinja", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"], Names(_copy));
        Assert.Equal("content of tokenizer.json", File.ReadAllText(Path.Combine(_copy, "tokenizer.json")));
    }

    [Fact]
    public void A_merged_model_is_saved_merged()
    {
        using var model = LlamaForCausalLM.Load(_saved.Folder);
        using var adapter = model.CreateAdapter(new LoraConfig { Rank = 3, TargetModulesPattern = LoraConfig.AllLinear });
        TinyLlama.Randomize(adapter);
        using var ids = TinyLlama.Ids(3, 18, 0, 7, 7, 11);
        var expected = new NaiveLlama(model, adapter).Logits([3, 18, 0, 7, 7, 11]);
        model.Merge(adapter);
        model.Save(_copy);

        using var loaded = LlamaForCausalLM.Load(_copy);
        Assert.Equal(TinyLlama.Logits(model, ids), TinyLlama.Logits(loaded, ids));
        TinyLlama.AssertClose(expected[^1], TinyLlama.Logits(loaded, ids)[^1]);
        Assert.NotEqual(_saved.Bytes()["model.layers.0.self_attn.q_proj.weight"], _saved.Bytes(_copy)["model.layers.0.self_attn.q_proj.weight"]);
    }

    [Fact]
    public void An_old_checkpoint_is_replaced_and_what_else_lies_there_stays()
    {
        Save(_copy, 4000);
        File.WriteAllText(Path.Combine(_copy, "README.md"), "about");
        Directory.CreateDirectory(Path.Combine(_copy, "adapters"));
        File.WriteAllText(Path.Combine(_copy, "adapters", "a"), "b");
        File.WriteAllText(Path.Combine(_copy, "pytorch_model.bin"), "old");
        File.WriteAllText(Path.Combine(_copy, "tokenizer.json"), "of the old model");

        Save(_copy);

        Assert.Equal(["README.md", "adapters", "config.json", "model.safetensors"], Names(_copy));
        Assert.Equal("b", File.ReadAllText(Path.Combine(_copy, "adapters", "a")));
        Assert.Equal(["copy", "tiny"], Names(Path.GetDirectoryName(_copy)!));
    }

    [Fact]
    public void Into_the_folder_that_it_came_from()
    {
        File.WriteAllText(_saved.PathOf("tokenizer.json"), "mine");
        var expected = _saved.Bytes();
        Save(_saved.Folder, 4000);
        Assert.Equal(expected, _saved.Bytes());
        Assert.Equal("mine", File.ReadAllText(_saved.PathOf("tokenizer.json")));
        Assert.False(File.Exists(_saved.Weights));
    }

    [Fact]
    public void Into_an_empty_folder()
    {
        Directory.CreateDirectory(_copy);
        Save(_copy);
        Assert.Equal(_saved.Bytes(), _saved.Bytes(_copy));
    }

    [Fact]
    public void A_folder_with_other_things_is_refused_and_left_alone()
    {
        Directory.CreateDirectory(_copy);
        File.WriteAllText(Path.Combine(_copy, "thesis.docx"), "years");
        var refusal = Assert.Throws<LoraException>(() => Save(_copy));
        Assert.Contains(_copy, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("thesis.docx", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(["thesis.docx"], Names(_copy));
        Assert.Equal(["copy", "tiny"], Names(Path.GetDirectoryName(_copy)!));
    }

    [Fact]
    public void A_save_that_fails_on_the_way_leaves_the_old_checkpoint()
    {
        Save(_copy);
        var expected = _saved.Bytes(_copy);
        using var model = LlamaForCausalLM.Load(_saved.Folder);
        File.WriteAllText(_saved.PathOf("config.json"), "{");
        Assert.Throws<LoraException>(() => model.Save(_copy, 4000));
        Assert.Equal(expected, _saved.Bytes(_copy));
        Assert.Equal(["copy", "tiny"], Names(Path.GetDirectoryName(_copy)!));
    }

    [Fact]
    public void A_file_in_the_folders_place()
    {
        File.WriteAllText(_copy, "");
        Assert.Contains("expected a folder", Assert.Throws<LoraException>(() => Save(_copy)).Message, StringComparison.Ordinal);
    }

    private void Save(string folder, long? limit = null)
    {
        using var model = LlamaForCausalLM.Load(_saved.Folder);
        if (limit is { } bytes)
        {
            model.Save(folder, bytes);
        }
        else
        {
            model.Save(folder);
        }
    }

    private static IEnumerable<string> Names(string folder)
        => Directory.EnumerateFileSystemEntries(folder).Select(entry => Path.GetFileName(entry)!).Order(StringComparer.Ordinal);
}
