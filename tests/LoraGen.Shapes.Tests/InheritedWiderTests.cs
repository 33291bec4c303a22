using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>The third level.</summary>
public sealed class InheritedWiderTests() : ShapeTests<Wider, Wider.Adapter>(new Wider(Width))
{
    protected override string[] BaseKeys =>
    [
        "up.weight", "up.bias", "down.weight", "down.bias", "block.up.weight", "block.up.bias", "last.up.weight", "last.up.bias",
        "h.0.up.weight", "h.0.up.bias",
    ];

    protected override string[] Targets => ["up", "down", "block.up", "last.up", "h.0.up"];

    protected override double[] Forward(Reference of, double[] x) => LayerReference.Wider(of, x);

    protected override Wider.Adapter Load(string folder, Wider model) => Wider.Adapter.Load(folder, model);
}
