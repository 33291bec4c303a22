using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Benchmarks.Models;

/// <summary>The same projection in a class that has never heard of LoRA.</summary>
internal sealed class PlainProjection : Module<Tensor, Tensor>
{
    private readonly Linear proj;

    public PlainProjection(Device device, ScalarType dtype)
        : base(nameof(PlainProjection))
    {
        proj = Linear(Projection.Width, Projection.Width, device: device, dtype: dtype);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => proj.call(x);
}
