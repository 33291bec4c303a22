using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A class between two models that is none.</summary>
public sealed class InheritedThroughPlainTests() : ShapeTests<Deep, Deep.Adapter>(new Deep(Width))
{
    protected override string[] BaseKeys => ["up.weight", "up.bias", "plain.weight", "plain.bias", "down.weight", "down.bias"];

    protected override string[] Targets => ["up", "down"];

    protected override double[] Forward(Reference of, double[] x) => of.Target("down", LayerReference.Between(of, x));

    protected override Deep.Adapter Load(string folder, Deep model) => Deep.Adapter.Load(folder, model);
}
