using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LoraGen.Files;
using LoraGen.Safetensors;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Checkpoints;

/// <summary>Writes checkpoint folders of Hugging Face's layout, whole or not at all.</summary>
public static class CheckpointFolder
{
    /// <summary>The most bytes of weights in one file by default: Hugging Face's 5GB.</summary>
    public const long MaxShardBytes = 5_000_000_000;

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // What belongs to a model and is not changed by training it.
    private static readonly string[] Carried =
    [
        "added_tokens.json", "chat_template.jinja", "chat_template.json", "generation_config.json", "merges.txt", "sentencepiece.bpe.model",
        "special_tokens_map.json", "spiece.model", "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json", "vocab.txt",
    ];

    /// <summary>Says what a folder holds, without making a model of it.</summary>
    /// <exception cref="LoraException">The config or the weights are missing or malformed.</exception>
    public static CheckpointInspection Inspect(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        var architecture = ConfigFile.Read(Path.Combine(folder, ConfigFile.Name)).Architecture();
        using var weights = CheckpointFiles.Open(folder);
        var dtypes = weights.Tensors.Values.GroupBy(tensor => tensor.Entry.Dtype)
            .ToDictionary(group => group.Key, group => group.Sum(tensor => tensor.Entry.Shape.Aggregate(1L, (product, size) => product * size)));
        return new CheckpointInspection(
            architecture, AutoModel.Implements(architecture), weights.Path, weights.Tensors.Count, dtypes.Values.Sum(),
            weights.Tensors.Values.Sum(tensor => tensor.Entry.End - tensor.Entry.Begin), dtypes, [.. Carried.Where(name => File.Exists(Path.Combine(folder, name)))]);
    }

    /// <summary>See <see cref="IPretrainedModel.Save"/>.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="weights">In the order of the model, by which they go into shards.</param>
    /// <param name="config">The config of a model that has no <paramref name="origin"/>.</param>
    /// <param name="origin">The folder that the model was loaded from, or null.</param>
    /// <param name="maxShardBytes">The most bytes in one file.</param>
    /// <param name="change">Changes what the origin's config says of another class or head than the model's; null where it is the model's own.</param>
    internal static void Save(
        string folder, IEnumerable<KeyValuePair<string, Tensor>> weights, JsonObject config, string? origin, long maxShardBytes, Action<JsonObject>? change = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxShardBytes, 1);
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        var staged = $"{target}.{Guid.NewGuid():N}.tmp";
        try
        {
            RequireReplaceable(target);
            var all = weights.ToList();
            config = origin is null ? config : ConfigFile.Read(Path.Combine(origin, ConfigFile.Name)).Json;
            change?.Invoke(config);
            WriteWeights(staged, all, maxShardBytes);
            WriteJson(Path.Combine(staged, ConfigFile.Name), WithDtype(config, all));
            foreach (var name in Carried.Where(name => origin is not null && File.Exists(Path.Combine(origin, name))))
            {
                File.Copy(Path.Combine(origin!, name), Path.Combine(staged, name));
            }

            PutInPlace(staged, target, bringsTokenizer: origin is not null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LoraException($"{folder}: cannot be written: {e.Message}", e);
        }
        finally
        {
            Remove(staged);
        }
    }

    private static void WriteWeights(string folder, List<KeyValuePair<string, Tensor>> weights, long maxShardBytes)
    {
        var metadata = new Dictionary<string, string> { ["format"] = "pt" };
        var shards = Shards(weights, maxShardBytes);
        if (shards.Count == 1)
        {
            SafetensorsWriter.Write(Path.Combine(folder, CheckpointFiles.SingleName), weights, metadata);
            return;
        }

        var map = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (number, shard) in shards.Index())
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"model-{number + 1:D5}-of-{shards.Count:D5}.safetensors");
            SafetensorsWriter.Write(Path.Combine(folder, name), shard, metadata);
            foreach (var (key, _) in shard)
            {
                map.Add(key, name);
            }
        }

        WriteJson(Path.Combine(folder, CheckpointFiles.IndexName), new JsonObject
        {
            ["metadata"] = new JsonObject { ["total_size"] = weights.Sum(weight => Bytes(weight.Value)) },
            ["weight_map"] = JsonSerializer.SerializeToNode(map),
        });
    }

    // One after the other, and a new file where the next would be too much, as Hugging Face does.
    private static List<List<KeyValuePair<string, Tensor>>> Shards(List<KeyValuePair<string, Tensor>> weights, long maxBytes)
    {
        List<List<KeyValuePair<string, Tensor>>> shards = [[]];
        var size = 0L;
        foreach (var weight in weights)
        {
            var bytes = Bytes(weight.Value);
            if (size > 0 && size + bytes > maxBytes)
            {
                shards.Add([]);
                size = 0;
            }

            shards[^1].Add(weight);
            size += bytes;
        }

        return shards;
    }

    private static long Bytes(Tensor tensor) => tensor.NumberOfElements * tensor.ElementSize;

    private static JsonObject WithDtype(JsonObject config, List<KeyValuePair<string, Tensor>> weights)
    {
        var dtype = weights[0].Value.dtype switch
        {
            ScalarType.BFloat16 => "bfloat16",
            ScalarType.Float16 => "float16",
            ScalarType.Float32 => "float32",
            _ => "float64",
        };

        // Transformers 5 writes "dtype".
        foreach (var key in new[] { "torch_dtype", "dtype" }.Where(config.ContainsKey).DefaultIfEmpty("torch_dtype").ToList())
        {
            config[key] = dtype;
        }

        return config;
    }

    private static void WriteJson(string path, JsonObject json) => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(json.ToJsonString(Json) + "\n")));

    private static void RequireReplaceable(string target)
    {
        if (File.Exists(target))
        {
            throw new LoraException($"{target}: expected a folder, found a file.");
        }

        if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).ToList() is { Count: > 0 } entries
            && !entries.Any(entry => Path.GetFileName(entry) is var name && (IsModel(name) || Carried.Contains(name))))
        {
            throw new LoraException(
                $"{target}: expected no folder, an empty one or a checkpoint to replace, found a folder with other things ({Path.GetFileName(entries[0])}). Save into a new folder.");
        }
    }

    private static bool IsModel(string name)
        => name is ConfigFile.Name or CheckpointFiles.IndexName || name.StartsWith("pytorch_model", StringComparison.Ordinal)
            || (name.StartsWith("model", StringComparison.Ordinal) && name.EndsWith(".safetensors", StringComparison.Ordinal));

    // Between the two renames of an old checkpoint a crash leaves both under temporary names, whole.
    private static void PutInPlace(string staged, string target, bool bringsTokenizer)
    {
        if (!Directory.Exists(target))
        {
            Directory.Move(staged, target);
            return;
        }

        var old = $"{target}.{Guid.NewGuid():N}.old";
        Directory.Move(target, old);
        try
        {
            Directory.Move(staged, target);
        }
        catch
        {
            Directory.Move(old, target);
            throw;
        }

        foreach (var entry in new DirectoryInfo(old).EnumerateFileSystemInfos().Where(entry => !IsModel(entry.Name) && !(bringsTokenizer && Carried.Contains(entry.Name))))
        {
            var place = Path.Combine(target, entry.Name);
            if (entry is DirectoryInfo folder)
            {
                folder.MoveTo(place);
            }
            else
            {
                ((FileInfo)entry).MoveTo(place);
            }
        }

        Directory.Delete(old, recursive: true);
    }

    private static void Remove(string staged)
    {
        try
        {
            Directory.Delete(staged, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // In place by now, or left behind beside the folder, where it is in the way of nothing.
        }
    }
}
