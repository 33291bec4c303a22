using LoraGen.Tests.Models;
using static TorchSharp.torch;

namespace LoraGen.Tests.Initialisation;

/// <summary>Out of the weight of GPT-2's projection, [in, out].</summary>
public sealed class StartFromConv1DTests : StartFromBaseTests<OneConv1D, OneConv1D.Adapter>
{
    protected override bool IsTransposed => true;

    protected override OneConv1D Model(ScalarType dtype, int inputs, int outputs) => new(inputs, outputs, dtype);

    protected override OneConv1D.Adapter Load(string folder, OneConv1D model) => OneConv1D.Adapter.Load(folder, model);
}
