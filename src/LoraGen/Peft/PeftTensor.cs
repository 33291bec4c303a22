using static TorchSharp.torch;

namespace LoraGen.Peft;

/// <summary>One tensor of an adapter's file.</summary>
/// <param name="Key">Its key in the file.</param>
/// <param name="Path">The dotted path of its module in the base.</param>
/// <param name="Name">Its name below that path, as PEFT writes it today.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Dtype">Its element type.</param>
/// <param name="Shape">Its shape.</param>
public sealed record PeftTensor(string Key, string Path, string Name, PeftTensorKind Kind, ScalarType Dtype, IReadOnlyList<long> Shape)
{
    /// <summary>The number of its elements.</summary>
    public long Elements => Shape.Aggregate(1L, (product, size) => product * size);
}
