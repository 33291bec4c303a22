using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A derived class inside its base class.</summary>
public sealed class InheritedNestedTests() : ShapeTests<InheritedNested.Inside, InheritedNested.Inside.Adapter>(new InheritedNested.Inside(Width))
{
    protected override string[] BaseKeys => ["up.weight", "up.bias", "down.weight", "down.bias"];

    protected override string[] Targets => ["up", "down"];

    protected override double[] Forward(Reference of, double[] x) => of.Target("down", of.Target("up", x));

    protected override InheritedNested.Inside.Adapter Load(string folder, InheritedNested.Inside model) => InheritedNested.Inside.Adapter.Load(folder, model);
}
