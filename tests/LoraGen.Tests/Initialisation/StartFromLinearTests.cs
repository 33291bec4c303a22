using LoraGen.Tests.Models;
using static TorchSharp.torch;

namespace LoraGen.Tests.Initialisation;

/// <summary>Out of a Linear's weight, [out, in].</summary>
public sealed class StartFromLinearTests : StartFromBaseTests<OneTarget, OneTarget.Adapter>
{
    protected override bool IsTransposed => false;

    protected override OneTarget Model(ScalarType dtype, int inputs, int outputs) => new(inputs, outputs, dtype: dtype);

    protected override OneTarget.Adapter Load(string folder, OneTarget model) => OneTarget.Adapter.Load(folder, model);
}
