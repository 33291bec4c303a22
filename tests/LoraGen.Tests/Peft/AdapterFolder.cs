using System.Text.Json.Nodes;
using LoraGen.Peft;
using LoraGen.Tests.Files;
using LoraGen.Tests.Reference;

namespace LoraGen.Tests.Peft;

/// <summary>An adapter's two files as a test wants them, written without the library: by default q and v of one layer, rank 2, alpha 3.</summary>
internal sealed class AdapterFolder : IDisposable
{
    public const string Q = "base_model.model.layers.0.q_proj";
    public const string V = "base_model.model.layers.0.v_proj";

    private readonly ScratchFolder _folder = new();
    private readonly Random _random = new(5);

    public AdapterFolder()
    {
        foreach (var layer in new[] { Q, V })
        {
            Add($"{layer}.lora_A.weight", 2, 5);
            Add($"{layer}.lora_B.weight", layer == Q ? 4 : 3, 2);
        }
    }

    public string Path => _folder.Path;

    public string WeightsPath => _folder.PathOf("adapter_model.safetensors");

    public string PicklePath => _folder.PathOf("adapter_model.bin");

    public string ConfigPath => _folder.PathOf("adapter_config.json");

    public SafetensorsBytes Weights { get; } = new() { Metadata = new() { ["format"] = "pt" } };

    public JsonObject Config { get; } = new()
    {
        ["peft_type"] = "LORA", ["r"] = 2, ["lora_alpha"] = 3, ["target_modules"] = new JsonArray("q_proj", "v_proj"), ["base_model_name_or_path"] = "some/base",
    };

    /// <summary>Adds a tensor of random numbers in fp32.</summary>
    public void Add(string key, params long[] shape)
        => Weights.Tensors[key] = new("F32", shape, [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (p, n) => p * n)).SelectMany(_ => BitConverter.GetBytes((float)_random.NextDouble() - 0.5f))]);

    public void Zero(string key) => Weights.Tensors[key] = Weights.Tensors[key] with { Data = new byte[Weights.Tensors[key].Data.Length] };

    public void Rename(string key, string other)
    {
        Weights.Tensors.Add(other, Weights.Tensors[key]);
        Weights.Tensors.Remove(key);
    }

    /// <summary>The rows of a matrix that was added.</summary>
    public double[,] Matrix(string key)
    {
        var (shape, data) = (Weights.Tensors[key].Shape, Weights.Tensors[key].Data);
        var result = new double[shape[0], data.Length / sizeof(float) / shape[0]];
        for (var i = 0; i < result.Length; i++)
            result[i / result.GetLength(1), i % result.GetLength(1)] = BitConverter.ToSingle(data, sizeof(float) * i);
        return result;
    }

    public AdapterFolder Write()
    {
        File.WriteAllBytes(WeightsPath, Weights.ToArray());
        return WriteConfig();
    }

    public AdapterFolder WriteAsPickle()
    {
        File.WriteAllBytes(PicklePath, TorchZipBytes.Write(Weights));
        return WriteConfig();
    }

    public PeftCheckpoint Open() => PeftCheckpoint.Open(Write().Path);

    /// <summary>The message with which the adapter is refused.</summary>
    public string Refusal() => Assert.Throws<LoraException>(() => Open().Dispose()).Message;

    public IReadOnlyList<string> Oddities() => PeftCheckpoint.Inspect(Write().Path).Oddities;

    public void Dispose() => _folder.Dispose();

    private AdapterFolder WriteConfig()
    {
        File.WriteAllText(ConfigPath, Config.ToJsonString());
        return this;
    }
}
