using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>Children whose class fewer see than their parent's.</summary>
public sealed class LessVisibleChildTests() : ShapeTests<LessVisibleChild, LessVisibleChild.Adapter>(new LessVisibleChild(Width))
{
    protected override string[] BaseKeys => ["one.up.weight", "one.up.bias", "many.0.up.weight", "many.0.up.bias"];

    protected override string[] Targets => ["one.up", "many.0.up"];

    protected override double[] Forward(Reference of, double[] x) => of.Target("many.0.up", of.Target("one.up", x));

    protected override LessVisibleChild.Adapter Load(string folder, LessVisibleChild model) => LessVisibleChild.Adapter.Load(folder, model);
}
