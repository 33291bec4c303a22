using TorchSharp.Modules;

namespace LoraGen;

/// <summary>Parameters that learn at one rate, for a group of any optimizer.</summary>
/// <param name="Parameters">At least one.</param>
/// <param name="LearningRate">Above 0.</param>
public sealed record LearningRateGroup(IReadOnlyList<Parameter> Parameters, double LearningRate);
