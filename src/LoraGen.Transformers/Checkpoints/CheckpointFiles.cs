using System.Text.Json;
using LoraGen.Safetensors;

namespace LoraGen.Transformers.Checkpoints;

/// <summary>
/// The safetensors files of a checkpoint folder, opened as one: <c>model.safetensors</c>, or the shards that
/// <c>model.safetensors.index.json</c> names. Only their headers are in memory.
/// </summary>
internal sealed class CheckpointFiles : IDisposable
{
    public const string SingleName = "model.safetensors";
    public const string IndexName = "model.safetensors.index.json";

    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, (SafetensorsFile File, SafetensorsEntry Entry)> _tensors = new(StringComparer.Ordinal);

    private CheckpointFiles(string path) => Path = path;

    /// <summary>The weights file, or the index of several.</summary>
    public string Path { get; }

    /// <summary>Every tensor's file and header entry, by its key.</summary>
    public IReadOnlyDictionary<string, (SafetensorsFile File, SafetensorsEntry Entry)> Tensors => _tensors;

    /// <summary>Opens the weights of a folder and checks every header.</summary>
    /// <exception cref="LoraException">There are none in a form that is read, a shard is absent or malformed, or the index says other than the shards.</exception>
    public static CheckpointFiles Open(string folder)
    {
        var (single, index) = (System.IO.Path.Combine(folder, SingleName), System.IO.Path.Combine(folder, IndexName));
        var isSharded = !File.Exists(single) && File.Exists(index);
        if (!isSharded && !File.Exists(single) && Directory.Exists(folder) && Directory.EnumerateFiles(folder, "pytorch_model*.bin").FirstOrDefault() is { } pickled)
        {
            throw new LoraException(
                $"{pickled}: expected {SingleName} or {IndexName} beside it, found weights in Python's pickle format alone. Convert them once, in Python: " +
                $"transformers.AutoModel.from_pretrained(folder).save_pretrained(folder), with the model's own class in place of AutoModel if it has a head.");
        }

        var files = new CheckpointFiles(isSharded ? index : single);
        try
        {
            if (isSharded)
            {
                files.AddShards(folder);
            }
            else
            {
                files.Add(SafetensorsFile.Open(single));
            }

            return files;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    private void AddShards(string folder)
    {
        var map = ReadIndex();
        var shards = map.Values.Distinct().Order(StringComparer.Ordinal).ToList();
        var absent = shards.Where(shard => !File.Exists(System.IO.Path.Combine(folder, shard))).ToList();
        if (absent.Count > 0)
        {
            throw new LoraException($"{Path}: weight_map: expected the files that it names, found none of these: {string.Join(", ", absent)}.");
        }

        foreach (var shard in shards)
        {
            Add(SafetensorsFile.Open(System.IO.Path.Combine(folder, shard)));
        }

        var wrong = map.Where(item => !Tensors.TryGetValue(item.Key, out var tensor) || System.IO.Path.GetFileName(tensor.File.Path) != item.Value)
            .Select(item => $"{item.Key} in {item.Value}").Order(StringComparer.Ordinal).ToList();
        var unlisted = Tensors.Keys.Where(key => !map.ContainsKey(key)).Order(StringComparer.Ordinal).ToList();
        if (wrong.Count + unlisted.Count > 0)
        {
            throw new LoraException($"{Path}: weight_map: expected what the shards hold; not there: [{string.Join(", ", wrong)}]; there and not listed: [{string.Join(", ", unlisted)}].");
        }
    }

    private Dictionary<string, string> ReadIndex()
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(Path));
            var map = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var item in json.RootElement.GetProperty("weight_map").EnumerateObject())
            {
                var shard = item.Value.GetString() ?? "null";

                // A file name and nothing else: an index must not reach out of its folder.
                if (shard != System.IO.Path.GetFileName(shard) || !shard.EndsWith(".safetensors", StringComparison.Ordinal))
                {
                    throw new LoraException($"{Path}: weight_map.{item.Name}: expected the name of a safetensors file in the same folder, found {shard}.");
                }

                if (!map.TryAdd(item.Name, shard))
                {
                    throw new LoraException($"{Path}: weight_map.{item.Name}: expected one entry of this name, found two.");
                }
            }

            return map;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new LoraException($"{Path}: expected a JSON object with weight_map, an object of file names: {e.Message}", e);
        }
    }

    private void Add(SafetensorsFile file)
    {
        _files.Add(file);
        foreach (var (key, entry) in file.Entries)
        {
            if (!_tensors.TryAdd(key, (file, entry)))
            {
                throw new LoraException($"{file.Path}: {key}: expected each tensor in one shard, found it in {_tensors[key].File.Path} too.");
            }
        }
    }

    public void Dispose()
    {
        foreach (var file in _files)
        {
            file.Dispose();
        }
    }
}
