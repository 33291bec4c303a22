using static TorchSharp.torch;

namespace LoraGen.Safetensors;

/// <summary>What the header of a safetensors file says of one tensor.</summary>
/// <param name="Key">Its name.</param>
/// <param name="Dtype">Its element type.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Begin">First byte, counted from the end of the header.</param>
/// <param name="End">The byte after its last one, counted from the end of the header.</param>
public sealed record SafetensorsEntry(string Key, ScalarType Dtype, IReadOnlyList<long> Shape, long Begin, long End);
