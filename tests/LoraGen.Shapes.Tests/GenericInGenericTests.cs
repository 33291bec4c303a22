using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>Type parameters of a class and of the class around it.</summary>
public sealed class GenericInGenericTests() : ShapeTests<Outer<int>.Inner<string>, Outer<int>.Inner<string>.Adapter>(new Outer<int>.Inner<string>(Width))
{
    protected override string[] BaseKeys => ["up.weight", "up.bias"];

    protected override string[] Targets => ["up"];

    protected override double[] Forward(Reference of, double[] x) => of.Target("up", x);

    protected override Outer<int>.Inner<string>.Adapter Load(string folder, Outer<int>.Inner<string> model) => Outer<int>.Inner<string>.Adapter.Load(folder, model);
}
