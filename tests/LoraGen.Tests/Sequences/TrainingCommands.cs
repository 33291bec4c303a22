using LoraGen.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Sequences;

/// <summary>One step of gradient descent on each active adapter, frozen before or not, in whichever mode; afterwards the adapter holds its gradients, as after any optimizer.</summary>
internal sealed record TrainStep : Command
{
    public override bool IsPossible(World world) => world.ActiveRows.Any(adapter => adapter is not null) && world.ActiveRows.All(adapter => adapter is null or { IsDisposed: false });

    public override void Run(World world)
    {
        var adapters = world.ActiveRows.OfType<TrackedAdapter>().Distinct().ToList();
        var gradients = adapters.Select(world.Gradients).ToList();
        using (NewDisposeScope())
        {
            foreach (var adapter in adapters)
            {
                adapter.Real.zero_grad();
                adapter.Real.Frozen(false);
            }

            (world.Model.call(world.Input) * world.Upstream.to_type(world.Base.Dtype)).sum().backward();
        }

        foreach (var (adapter, gradient) in adapters.Zip(gradients))
        {
            adapter.Gradients = gradient;
            adapter.Descend();
        }
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
