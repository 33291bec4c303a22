using System.Text.Json.Nodes;
using LoraGen.Tests.Reference;

namespace LoraGen.Transformers.Tests.Checkpoints;

/// <summary>A checkpoint in several files is the same model, and is refused where its index and its files do not fit each other.</summary>
public sealed class ShardTests : IDisposable
{
    private const string Key = "model.layers.1.self_attn.k_proj.weight";

    private readonly TinyCheckpoint _saved = new();

    public void Dispose() => _saved.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Comes_back_bit_for_bit(int count)
    {
        var expected = _saved.Bytes();
        _saved.Shard(count);
        Assert.Equal(expected, _saved.Bytes());
    }

    [Fact]
    public void Files_that_are_absent_are_all_named()
    {
        var shards = _saved.Shard(3);
        File.Delete(_saved.PathOf(shards[0]));
        File.Delete(_saved.PathOf(shards[2]));
        _saved.Refused(_saved.Index, shards[0], shards[2]);
    }

    [Fact]
    public void A_truncated_shard()
    {
        var shard = _saved.PathOf(_saved.Shard(3)[1]);
        File.WriteAllBytes(shard, File.ReadAllBytes(shard)[..^1]);
        _saved.Refused(shard, "truncated");
    }

    [Fact]
    public void A_tensor_that_the_index_has_in_another_shard()
    {
        var shards = _saved.Shard(2);
        var found = shards.Single(shard => SafetensorsBytes.Parse(File.ReadAllBytes(_saved.PathOf(shard))).Tensors.ContainsKey(Key));
        var other = shards.Single(shard => shard != found);
        _saved.EditJson("model.safetensors.index.json", index => index["weight_map"]![Key] = other);
        _saved.Refused(_saved.Index, $"not there: [{Key} in {other}]");
    }

    [Fact]
    public void Tensors_that_the_index_does_not_list()
    {
        _saved.Shard(2);
        _saved.EditJson("model.safetensors.index.json", index =>
        {
            index["weight_map"]!.AsObject().Remove(Key);
            index["weight_map"]!.AsObject().Remove("model.norm.weight");
        });
        _saved.Refused(_saved.Index, $"there and not listed: [{Key}, model.norm.weight]");
    }

    [Fact]
    public void A_tensor_that_is_in_no_shard()
    {
        var shards = _saved.Shard(2);
        _saved.EditJson("model.safetensors.index.json", index => index["weight_map"]!["nowhere"] = shards[0]);
        _saved.Refused(_saved.Index, $"not there: [nowhere in {shards[0]}]");
    }

    [Fact]
    public void A_tensor_in_two_shards()
    {
        var shards = _saved.Shard(2);
        var stored = new SafetensorsBytes.Stored("F32", [1], new byte[4]);
        foreach (var shard in shards)
        {
            TinyCheckpoint.Edit(_saved.PathOf(shard), file => file.Tensors["twice"] = stored);
        }

        _saved.Refused("twice", shards[0], shards[1]);
    }

    [Theory]
    [InlineData("../model-00001-of-00002.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("model.bin")]
    [InlineData("")]
    public void A_shard_that_is_no_file_name_of_the_folder(string name)
    {
        _saved.Shard(2);
        _saved.EditJson("model.safetensors.index.json", index => index["weight_map"]![Key] = name);
        _saved.Refused(_saved.Index, Key, $"found {name}");
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"weight_map\": []}")]
    [InlineData("{\"weight_map\": {\"a\": 1}}")]
    public void An_index_that_is_none(string content)
    {
        _saved.Shard(2);
        File.WriteAllText(_saved.Index, content);
        _saved.Refused(_saved.Index, "weight_map");
    }

    // As transformers does.
    [Fact]
    public void One_file_goes_before_an_index()
    {
        File.WriteAllText(_saved.Index, new JsonObject().ToJsonString());
        Assert.NotEmpty(_saved.Bytes());
    }
}
