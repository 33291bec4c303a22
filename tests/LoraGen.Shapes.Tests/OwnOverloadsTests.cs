using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>Methods of a child's own that have the names of generated ones.</summary>
public sealed class OwnOverloadsTests() : ShapeTests<OwnOverloads, OwnOverloads.Adapter>(new OwnOverloads(Width))
{
    protected override string[] BaseKeys =>
    [
        "one.up.weight", "one.up.bias", "one.plain.weight", "one.plain.bias", "h.0.up.weight", "h.0.up.bias", "h.0.plain.weight", "h.0.plain.bias",
    ];

    protected override string[] Targets => ["one.up", "h.0.up"];

    protected override double[] Forward(Reference of, double[] x)
        => LayerReference.Between(of.Child("h.0"), LayerReference.Between(of.Child("one"), x));

    protected override OwnOverloads.Adapter Load(string folder, OwnOverloads model) => OwnOverloads.Adapter.Load(folder, model);
}
