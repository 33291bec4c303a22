using LoraGen.Tests.Models;
using static TorchSharp.torch;

namespace LoraGen.Tests.Biases;

/// <summary>The same for a <see cref="Conv1D"/>.</summary>
public sealed class BBiasConv1DTests : BBiasTests<OneConv1D, OneConv1D.Adapter>
{
    protected override bool IsTransposed => true;

    protected override OneConv1D Model(ScalarType dtype = ScalarType.Float32) => new(8, 5, dtype: dtype);

    protected override OneConv1D.Adapter Load(string folder, OneConv1D model) => OneConv1D.Adapter.Load(folder, model);
}
