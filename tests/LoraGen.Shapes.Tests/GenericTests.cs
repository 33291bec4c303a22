using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>Type parameters, and children of another construction of the same class.</summary>
public sealed class GenericTests() : ShapeTests<GenericModel<Square, string>, GenericModel<Square, string>.Adapter>(new GenericModel<Square, string>(Width, depth: 2))
{
    protected override string[] BaseKeys =>
    [
        "up.weight", "up.bias", "inner.0.up.weight", "inner.0.up.bias", "inner.0.inner.0.up.weight", "inner.0.inner.0.up.bias",
    ];

    protected override string[] Targets => ["up", "inner.0.up", "inner.0.inner.0.up"];

    protected override double[] Forward(Reference of, double[] x)
        => Project(of, "inner.0.inner.0.up", Project(of, "inner.0.up", Project(of, "up", x)));

    protected override GenericModel<Square, string>.Adapter Load(string folder, GenericModel<Square, string> model) => GenericModel<Square, string>.Adapter.Load(folder, model);

    private static double[] Project(Reference of, string path, double[] x) => Reference.Square(of.Target(path, x));
}
