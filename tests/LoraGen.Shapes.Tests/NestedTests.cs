using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>Classes in a class, an interface, a record struct and a model.</summary>
public sealed class NestedTests() : ShapeTests<Zoo.IHouse.Cage.Lion, Zoo.IHouse.Cage.Lion.Adapter>(new Zoo.IHouse.Cage.Lion(Width))
{
    protected override string[] BaseKeys =>
    [
        "mane.weight", "mane.bias", "left.claws.weight", "left.claws.bias", "right.claws.weight", "right.claws.bias",
    ];

    protected override string[] Targets => ["mane", "left.claws", "right.claws"];

    protected override double[] Forward(Reference of, double[] x)
    {
        var y = of.Target("mane", x);
        return Reference.Sum(of.Target("left.claws", y), of.Target("right.claws", y));
    }

    protected override Zoo.IHouse.Cage.Lion.Adapter Load(string folder, Zoo.IHouse.Cage.Lion model) => Zoo.IHouse.Cage.Lion.Adapter.Load(folder, model);
}
