using static TorchSharp.torch;

namespace LoraGen.TorchZip;

/// <summary>What a file of <c>torch.save</c> says of one tensor.</summary>
/// <param name="Key">Its name in the saved dictionary.</param>
/// <param name="Dtype">Its element type.</param>
/// <param name="Shape">Its shape.</param>
public sealed record TorchZipEntry(string Key, ScalarType Dtype, IReadOnlyList<long> Shape);
