using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A model that others derive from, by itself.</summary>
public sealed class InheritedLayerTests() : ShapeTests<Layer, Layer.Adapter>(new Layer(Width))
{
    protected override string[] BaseKeys => ["up.weight", "up.bias"];

    protected override string[] Targets => ["up"];

    protected override double[] Forward(Reference of, double[] x) => LayerReference.Layer(of, x);

    protected override Layer.Adapter Load(string folder, Layer model) => Layer.Adapter.Load(folder, model);
}
