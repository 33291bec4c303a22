using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A base class that is abstract and generic.</summary>
public sealed class InheritedFromGenericTests() : ShapeTests<InheritedFromGeneric, InheritedFromGeneric.Adapter>(new InheritedFromGeneric(Width))
{
    protected override string[] BaseKeys => ["up.weight", "up.bias", "down.weight", "down.bias"];

    protected override string[] Targets => ["up", "down"];

    protected override double[] Forward(Reference of, double[] x) => of.Target("down", Reference.Square(of.Target("up", x)));

    protected override InheritedFromGeneric.Adapter Load(string folder, InheritedFromGeneric model) => InheritedFromGeneric.Adapter.Load(folder, model);
}
