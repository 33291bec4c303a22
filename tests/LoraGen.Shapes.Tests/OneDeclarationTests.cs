using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>Several variables in one declaration.</summary>
public sealed class OneDeclarationTests() : ShapeTests<OneDeclaration, OneDeclaration.Adapter>(new OneDeclaration(Width))
{
    protected override string[] BaseKeys =>
    [
        "q.weight", "q.bias", "k.weight", "k.bias", "v.weight", "v.bias", "o.weight", "o.bias", "p.weight", "p.bias",
    ];

    protected override string[] Targets => ["q", "k", "v"];

    protected override double[] Forward(Reference of, double[] x)
    {
        var sum = Reference.Sum(Reference.Sum(Target("q"), Target("k")), Target("v"));
        return Reference.Sum(of.Plain("o", sum), of.Plain("p", x));

        double[] Target(string path) => of.Target(path, x, rank: 3, alpha: 6);
    }

    protected override OneDeclaration.Adapter Load(string folder, OneDeclaration model) => OneDeclaration.Adapter.Load(folder, model);
}
