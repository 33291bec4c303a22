using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A generic class that derives from another one, and has a child of it.</summary>
public sealed class StillGenericTests() : ShapeTests<StillGeneric<Square>, StillGeneric<Square>.Adapter>(new StillGeneric<Square>(Width, new InheritedFromGeneric(Width)))
{
    protected override string[] BaseKeys => ["up.weight", "up.bias", "inner.up.weight", "inner.up.bias", "inner.down.weight", "inner.down.bias"];

    protected override string[] Targets => ["up", "inner.up", "inner.down"];

    protected override double[] Forward(Reference of, double[] x)
    {
        var inner = of.Child("inner");
        return inner.Target("down", Project(inner, Project(of, x)));
    }

    protected override StillGeneric<Square>.Adapter Load(string folder, StillGeneric<Square> model) => StillGeneric<Square>.Adapter.Load(folder, model);

    private static double[] Project(Reference of, double[] x) => Reference.Square(of.Target("up", x));
}
