using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A derived class that adds nothing.</summary>
public sealed class InheritedSameTests() : ShapeTests<Same, Same.Adapter>(new Same(Width))
{
    protected override string[] BaseKeys => ["up.weight", "up.bias"];

    protected override string[] Targets => ["up"];

    protected override double[] Forward(Reference of, double[] x) => LayerReference.Layer(of, x);

    protected override Same.Adapter Load(string folder, Same model) => Same.Adapter.Load(folder, model);
}
