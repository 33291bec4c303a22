using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>Children whose class is another assembly's.</summary>
public sealed class ChildFromAnotherAssemblyTests() : ShapeTests<ChildFromAnotherAssembly, ChildFromAnotherAssembly.Adapter>(new ChildFromAnotherAssembly(Width))
{
    protected override string[] BaseKeys =>
    [
        "top.put.weight", "top.put.bias", "shelves.0.put.weight", "shelves.0.put.bias", "shelves.1.put.weight", "shelves.1.put.bias",
    ];

    protected override string[] Targets => ["top.put", "shelves.0.put", "shelves.1.put"];

    protected override double[] Forward(Reference of, double[] x) => Shelf(of, "shelves.1", Shelf(of, "shelves.0", Shelf(of, "top", x)));

    protected override ChildFromAnotherAssembly.Adapter Load(string folder, ChildFromAnotherAssembly model) => ChildFromAnotherAssembly.Adapter.Load(folder, model);

    private static double[] Shelf(Reference of, string path, double[] x) => Reference.Sum(x, of.Target($"{path}.put", x, rank: 2, alpha: 6));
}
