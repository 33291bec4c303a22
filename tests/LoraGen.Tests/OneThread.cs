using TorchSharp;

// torch's global generator and its live-tensor counts are shared: a test running beside another would see the other's tensors.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: AssemblyFixture(typeof(LoraGen.Tests.OneThread))]

namespace LoraGen.Tests;

/// <summary>Sums in one order on every machine; for tensors this small, threads would only wait for each other.</summary>
public sealed class OneThread
{
    public OneThread() => torch.set_num_threads(1);
}
