using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>Components that are obsolete.</summary>
public sealed class ObsoleteTests() : ShapeTests<KeepsTheObsolete, KeepsTheObsolete.Adapter>(new KeepsTheObsolete(Width))
{
    protected override string[] BaseKeys => ["old.weight", "old.bias", "block.up.weight", "block.up.bias"];

    protected override string[] Targets => ["old", "block.up"];

    protected override double[] Forward(Reference of, double[] x) => of.Target("block.up", of.Target("old", x));

    protected override KeepsTheObsolete.Adapter Load(string folder, KeepsTheObsolete model) => KeepsTheObsolete.Adapter.Load(folder, model);
}
