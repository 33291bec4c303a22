using System.Text.Json.Nodes;
using LoraGen.Tests.Files;
using LoraGen.Tests.Reference;
using LoraGen.Transformers.Llama;
using LoraGen.Transformers.Tests.Llama;
using TorchSharp;

namespace LoraGen.Transformers.Tests.Checkpoints;

/// <summary>A checkpoint folder of a tiny model, which can be cut into shards and edited byte by byte without the library.</summary>
internal sealed class TinyCheckpoint : IDisposable
{
    private readonly ScratchFolder _scratch = new();

    public TinyCheckpoint(LlamaConfig? config = null)
    {
        using var model = TinyLlama.Create(config ?? TinyLlama.Config());
        model.Save(Folder);
    }

    public string Folder => _scratch.PathOf("tiny");

    public string Weights => PathOf("model.safetensors");

    public string Index => PathOf("model.safetensors.index.json");

    public string PathOf(string name) => Path.Combine(Folder, name);

    public string Beside(string name) => _scratch.PathOf(name);

    public void Edit(Action<SafetensorsBytes> edit) => Edit(Weights, edit);

    public static void Edit(string path, Action<SafetensorsBytes> edit)
    {
        var file = SafetensorsBytes.Parse(File.ReadAllBytes(path));
        edit(file);
        File.WriteAllBytes(path, file.ToArray());
    }

    public void EditJson(string name, Action<JsonObject> edit)
    {
        var json = JsonNode.Parse(File.ReadAllText(PathOf(name)))!.AsObject();
        edit(json);
        File.WriteAllText(PathOf(name), json.ToJsonString());
    }

    /// <summary>Cuts the one file into shards: tensor i, in ordinal order, into shard i modulo the count.</summary>
    public string[] Shard(int count)
    {
        var whole = SafetensorsBytes.Parse(File.ReadAllBytes(Weights));
        var shards = Enumerable.Range(1, count).Select(number => $"model-{number:D5}-of-{count:D5}.safetensors").ToArray();
        var map = new JsonObject();
        foreach (var (number, name) in shards.Index())
        {
            var shard = new SafetensorsBytes();
            foreach (var (key, stored) in whole.Tensors.Where((_, i) => i % count == number))
            {
                shard.Tensors[key] = stored;
                map[key] = name;
            }

            File.WriteAllBytes(PathOf(name), shard.ToArray());
        }

        File.Delete(Weights);
        File.WriteAllText(Index, new JsonObject { ["metadata"] = new JsonObject { ["total_size"] = 0 }, ["weight_map"] = map }.ToJsonString());
        return shards;
    }

    public void Refused(params string[] named)
    {
        var refusal = Assert.Throws<LoraException>(() => LlamaForCausalLM.Load(Folder));
        Assert.All(named, part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
    }

    public static Dictionary<string, byte[]> Bytes(torch.nn.Module module)
        => module.state_dict().ToDictionary(item => item.Key, item => item.Value.bytes.ToArray());

    public Dictionary<string, byte[]> Bytes(string? folder = null)
    {
        using var model = LlamaForCausalLM.Load(folder ?? Folder);
        return Bytes(model);
    }

    public void Dispose() => _scratch.Dispose();
}
