using LoraGen.Tests.Models;
using static TorchSharp.torch;

namespace LoraGen.Tests.Variants;

/// <summary>One slice, in the middle of GPT-2's fused projection.</summary>
public sealed class SlicesConv1DTests : SlicesTests<OneFusedConv1D, OneFusedConv1D.Adapter>
{
    protected override int[] Trained => [1];

    protected override bool IsTransposed => true;

    protected override OneFusedConv1D Model(ScalarType dtype, int outputs) => new(In, outputs, dtype);

    protected override OneFusedConv1D.Adapter Load(string folder, OneFusedConv1D model) => OneFusedConv1D.Adapter.Load(folder, model);
}
