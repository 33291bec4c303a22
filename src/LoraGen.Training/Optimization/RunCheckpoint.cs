using System.Globalization;
using LoraGen.Safetensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Training.Optimization;

/// <summary>
/// The state of an interrupted run in one safetensors file: fp32 weights and AdamW's two moments. One file, so that weights and moments
/// can never come from different steps.
/// </summary>
internal static class RunCheckpoint
{
    private const string FileName = "run.safetensors";
    private const string StepKey = "step";

    public static void Save(string folder, AdamW optimizer, int step)
    {
        Directory.CreateDirectory(folder);
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>();
        foreach (var (name, weight, state) in Entries(optimizer))
        {
            tensors[$"{name}.weight"] = weight;
            tensors[$"{name}.exp_avg"] = state.exp_avg;
            tensors[$"{name}.exp_avg_sq"] = state.exp_avg_sq;
        }

        SafetensorsWriter.Write(Path.Combine(folder, FileName), tensors, new Dictionary<string, string> { [StepKey] = step.ToString(CultureInfo.InvariantCulture) });
    }

    public static int Restore(string folder, AdamW optimizer)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        using var file = SafetensorsFile.Open(Path.Combine(folder, FileName));
        if (!file.Metadata.TryGetValue(StepKey, out var text) || !int.TryParse(text, CultureInfo.InvariantCulture, out var step))
        {
            throw new LoraException($"{file.Path}: __metadata__.{StepKey}: expected the number of steps done, found {text ?? "nothing"}.");
        }

        foreach (var (name, weight, state) in Entries(optimizer))
        {
            weight.copy_(Matching($"{name}.weight", weight));
            state.exp_avg.copy_(Matching($"{name}.exp_avg", weight));
            state.exp_avg_sq.copy_(Matching($"{name}.exp_avg_sq", weight));
            state.step = step;
        }

        return step;

        Tensor Matching(string key, Tensor like)
        {
            var found = file.Read(key);
            return found.shape.SequenceEqual(like.shape)
                ? found
                : throw new LoraException($"{file.Path}: {key}: expected shape [{string.Join(", ", like.shape)}], found [{string.Join(", ", found.shape)}].");
        }
    }

    // AdamW lists its parameters and their states in the same order: group after group, as they were given.
    private static IEnumerable<(string Name, Parameter Weight, AdamW.State State)> Entries(AdamW optimizer)
        => optimizer.parameters().Zip(optimizer.state_dict().State).Select((pair, i) => ($"{i}", pair.First, (AdamW.State)pair.Second));
}
