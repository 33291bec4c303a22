using LoraGen.Tests.Models;
using static TorchSharp.torch;

namespace LoraGen.Tests.Variants;

/// <summary>DoRA of GPT-2's projection, whose weight is [in, out].</summary>
public sealed class DoraConv1DTests : DoraTests<OneConv1D, OneConv1D.Adapter>
{
    protected override bool IsTransposed => true;

    protected override string[] Keys => ["base_model.model.proj.lora_A.weight", "base_model.model.proj.lora_B.weight", "base_model.model.proj.lora_magnitude_vector"];

    protected override OneConv1D Model(ScalarType dtype, int inputs, int outputs) => new(inputs, outputs, dtype);

    protected override OneConv1D.Adapter Load(string folder, OneConv1D model) => OneConv1D.Adapter.Load(folder, model);
}
