using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>Children of a base class that has nothing to adapt itself.</summary>
public sealed class AbstractBaseTests() : ShapeTests<AbstractChildren, AbstractChildren.Adapter>(new AbstractChildren(Width))
{
    protected override string[] BaseKeys => ["h.0.up.weight", "h.0.up.bias", "h.1.down.weight", "h.1.down.bias"];

    protected override string[] Targets => ["h.0.up", "h.1.down"];

    protected override double[] Forward(Reference of, double[] x) => of.Target("h.1.down", of.Target("h.0.up", x), rank: 3);

    protected override AbstractChildren.Adapter Load(string folder, AbstractChildren model) => AbstractChildren.Adapter.Load(folder, model);
}
