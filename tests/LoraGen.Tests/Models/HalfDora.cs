using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>Two projections, of which one asks for DoRA.</summary>
[LoraModel]
public sealed partial class HalfDora : Module<Tensor, Tensor>
{
    [LoraTarget(UseDora = true)] private readonly Linear up;
    // A LoraConfig says which, or CreateAdapter refuses it.
#pragma warning disable LORA025
    [LoraTarget] private readonly Linear down;
#pragma warning restore LORA025

    public HalfDora()
        : base(nameof(HalfDora))
    {
        (up, down) = (Linear(6, 9), Linear(9, 6));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => Down(Up(x));
}
