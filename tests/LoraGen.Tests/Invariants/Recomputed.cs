using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Invariants;

/// <summary>
/// Gradient checkpointing, which TorchSharp leaves to its users: a call that keeps its input alone and computes everything else again on the
/// way back. The arguments are a module and its input; what the module's parameters get is added to their gradients.
/// </summary>
internal sealed class Recomputed : autograd.SingleTensorFunction<Recomputed>
{
    public override string Name => nameof(Recomputed);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (module, x) = ((Module<Tensor, Tensor>)vars[0], (Tensor)vars[1]);
        ctx.save_data("module", module);
        ctx.save_for_backward([x]);
        using var inference = no_grad();
        return module.call(x);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using var recording = enable_grad();
        var x = ctx.get_saved_variables()[0].detach().requires_grad_();
        ((Module<Tensor, Tensor>)ctx.get_data("module")).call(x).backward([grad_output]);
        return [null!, x.grad!];
    }
}
