using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A class that is no [LoraModel] and derives from one is adapted as that.</summary>
public sealed class InheritedPlainTests() : ShapeTests<Layer, Layer.Adapter>(new Between(Width))
{
    protected override string[] BaseKeys => ["up.weight", "up.bias", "plain.weight", "plain.bias"];

    protected override string[] Targets => ["up"];

    protected override double[] Forward(Reference of, double[] x) => LayerReference.Between(of, x);

    protected override Layer.Adapter Load(string folder, Layer model) => Layer.Adapter.Load(folder, model);
}
