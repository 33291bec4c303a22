using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A target, a child and a list that may be absent, and are there.</summary>
public sealed class OptionalPresentTests() : ShapeTests<OptionalParts, OptionalParts.Adapter>(new OptionalParts(Width, isWhole: true))
{
    protected override string[] BaseKeys =>
    [
        "up.weight", "up.bias", "gate.weight", "gate.bias", "block.up.weight", "block.up.bias", "more.0.up.weight", "more.0.up.bias",
    ];

    protected override string[] Targets => ["up", "gate", "block.up", "more.0.up"];

    protected override double[] Forward(Reference of, double[] x) => of.Block("more.0", of.Block("block", of.Target("gate", of.Target("up", x))));

    protected override OptionalParts.Adapter Load(string folder, OptionalParts model) => OptionalParts.Adapter.Load(folder, model);
}
