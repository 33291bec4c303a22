using static TorchSharp.torch;

namespace LoraGen.Transformers.Checkpoints;

/// <summary>What a checkpoint folder holds, by its config and the headers of its weights.</summary>
/// <param name="Architecture">The class that <c>config.json</c> names.</param>
/// <param name="IsImplemented">Whether <see cref="AutoModel"/> has that class.</param>
/// <param name="WeightsPath">The weights' file, or the index of several.</param>
/// <param name="Tensors">How many tensors there are.</param>
/// <param name="Parameters">The number of their values.</param>
/// <param name="Bytes">Their size.</param>
/// <param name="Dtypes">Their element types, and how many values each has.</param>
/// <param name="Files">Names of the files that hold a tokenizer or generation options.</param>
public sealed record CheckpointInspection(
    string Architecture, bool IsImplemented, string WeightsPath, int Tensors, long Parameters, long Bytes, IReadOnlyDictionary<ScalarType, long> Dtypes, IReadOnlyList<string> Files);
