using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Benchmarks.Models;

/// <summary>
/// The same projection with LoRA as a careful user of TorchSharp writes it for this one layer: the product of rank r first, added in place
/// with one addmm, every intermediate freed at once. A and B are already in the dtype of the weight, and nothing is checked.
/// </summary>
internal sealed class HandWrittenLora : Module<Tensor, Tensor>
{
    private const float Scale = 2;

    private readonly Linear proj;
    private readonly Parameter lora_A;
    private readonly Parameter lora_B;

    public HandWrittenLora(Device device, ScalarType dtype)
        : base(nameof(HandWrittenLora))
    {
        proj = Linear(Projection.Width, Projection.Width, device: device, dtype: dtype);
        lora_A = new Parameter(randn(Projection.Rank, Projection.Width, dtype, device) * 0.02);
        lora_B = new Parameter(randn(Projection.Width, Projection.Rank, dtype, device) * 0.02);
        RegisterComponents();
        foreach (var parameter in proj.parameters())
        {
            parameter.requires_grad = false;
        }
    }

    public override Tensor forward(Tensor x)
    {
        using var rows = x.view(-1, Projection.Width);
        using var result = proj.call(rows);
        using var reduced = functional.linear(rows, lora_A);
        using var transposed = lora_B.t();
        using var sum = result.addmm_(reduced, transposed, alpha: Scale);
        return sum.view(x.shape);
    }
}
