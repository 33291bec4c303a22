using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A derived class whose fields are called what the generated code calls its locals, some of them null.</summary>
public sealed class InheritedOddNamesTests() : ShapeTests<InheritedOddNames, InheritedOddNames.Adapter>(new InheritedOddNames(Width))
{
    protected override string[] BaseKeys =>
    [
        "up.weight", "up.bias", "own.weight", "own.bias", "sites.weight", "sites.bias", "adapter.up.weight", "adapter.up.bias",
        "i.0.up.weight", "i.0.up.bias",
    ];

    protected override string[] Targets => ["up", "own", "sites", "adapter.up", "i.0.up"];

    protected override double[] Forward(Reference of, double[] x)
        => of.Block("i.0", of.Block("adapter", of.Target("sites", of.Target("own", LayerReference.Up(of, x)))));

    protected override InheritedOddNames.Adapter Load(string folder, InheritedOddNames model) => InheritedOddNames.Adapter.Load(folder, model);
}
