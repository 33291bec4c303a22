using static TorchSharp.torch;

namespace LoraGen;

/// <summary>What LoftQ makes of a weight: W is about Q + s B A. The caller's to dispose.</summary>
/// <param name="Quantized">Q [out, in]: the numbers that the quantised weight stands for.</param>
/// <param name="A">[r, in]</param>
/// <param name="B">[out, r]</param>
public sealed record LoftqParts(Tensor Quantized, Tensor A, Tensor B);
