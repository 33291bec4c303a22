using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A model of a derived class, seen as its base class: all of its projections are adapted.</summary>
public sealed class InheritedWideAsLayerTests() : ShapeTests<Layer, Layer.Adapter>(new Wide(Width))
{
    protected override string[] BaseKeys => ["up.weight", "up.bias", "down.weight", "down.bias", "block.up.weight", "block.up.bias"];

    protected override string[] Targets => ["up", "down", "block.up"];

    protected override double[] Forward(Reference of, double[] x) => LayerReference.Wide(of, x);

    protected override Layer.Adapter Load(string folder, Layer model) => Layer.Adapter.Load(folder, model);
}
