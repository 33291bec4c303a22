using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A projection with a bias and one without.</summary>
public sealed class BiasTests() : ShapeTests<Bias, Bias.Adapter>(new Bias(Width))
{
    protected override string[] BaseKeys => ["with.weight", "with.bias", "without.weight"];

    protected override string[] Targets => ["with", "without"];

    protected override double[] Forward(Reference of, double[] x) => of.Target("without", of.Target("with", x));

    protected override Bias.Adapter Load(string folder, Bias model) => Bias.Adapter.Load(folder, model);
}
