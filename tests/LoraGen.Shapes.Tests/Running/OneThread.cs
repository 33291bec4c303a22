using LoraGen.Shapes.Tests.Running;
using TorchSharp;

[assembly: AssemblyFixture(typeof(OneThread))]

namespace LoraGen.Shapes.Tests.Running;

/// <summary>For tensors this small, threads would only wait for each other.</summary>
public sealed class OneThread
{
    public OneThread() => torch.set_num_threads(1);
}
