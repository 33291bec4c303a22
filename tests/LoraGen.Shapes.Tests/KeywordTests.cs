using LoraGen.Shapes.Tests.Running;
using Sample;
using Sample.@namespace;

namespace LoraGen.Shapes.Tests;

/// <summary>Names that are keywords.</summary>
public sealed class KeywordTests() : ShapeTests<@class<int>, @class<int>.Adapter>(new @class<int>(Width))
{
    protected override string[] BaseKeys =>
    [
        "event.weight", "event.bias", "in.weight", "in.bias", "new.up.weight", "new.up.bias", "this.0.up.weight", "this.0.up.bias",
    ];

    protected override string[] Targets => ["event", "in", "new.up", "this.0.up"];

    protected override double[] Forward(Reference of, double[] x) => of.Block("this.0", of.Block("new", of.Target("in", of.Target("event", x))));

    protected override @class<int>.Adapter Load(string folder, @class<int> model) => @class<int>.Adapter.Load(folder, model);
}
