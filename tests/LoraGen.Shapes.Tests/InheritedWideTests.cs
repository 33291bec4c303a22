using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A model that derives from a model.</summary>
public sealed class InheritedWideTests() : ShapeTests<Wide, Wide.Adapter>(new Wide(Width))
{
    protected override string[] BaseKeys => ["up.weight", "up.bias", "down.weight", "down.bias", "block.up.weight", "block.up.bias"];

    protected override string[] Targets => ["up", "down", "block.up"];

    protected override double[] Forward(Reference of, double[] x) => LayerReference.Wide(of, x);

    protected override Wide.Adapter Load(string folder, Wide model) => Wide.Adapter.Load(folder, model);
}
