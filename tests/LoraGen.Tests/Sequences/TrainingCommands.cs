using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Sequences;

/// <summary>One step of gradient descent on the active adapter; afterwards the adapter holds its gradients, as after any optimizer.</summary>
internal sealed record TrainStep : Command
{
    public override bool IsPossible(World world) => world.Active is { IsDisposed: false };

    public override void Run(World world)
    {
        var adapter = world.Active!;
        var gradients = world.Gradients(adapter);
        using (NewDisposeScope())
        {
            adapter.Real.zero_grad();
            (world.Model.call(world.Input) * world.Upstream.to_type(world.Base.Dtype)).sum().backward();
        }

        adapter.Gradients = gradients;
        adapter.Descend();
    }
}

/// <summary>A second step by the same gradients, without a forward pass in between.</summary>
internal sealed record StepAgain(int Age) : OneAdapterCommand(Age)
{
    public override bool IsPossible(World world) => base.IsPossible(world) && Of(world)!.Gradients is not null;

    public override void Run(World world) => Of(world)!.Descend();
}

/// <summary>Frees the gradients, after which no optimizer moves the adapter.</summary>
internal sealed record FreeGradients(int Age) : OneAdapterCommand(Age)
{
    public override void Run(World world)
    {
        Of(world)!.Real.zero_grad();
        Of(world)!.Gradients = null;
    }
}
