using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>Fields that are called what the generated code calls its locals, and a key that needs escapes.</summary>
public sealed class OddNamesTests() : ShapeTests<OddNames, OddNames.Adapter>(new OddNames(Width))
{
    protected override string[] BaseKeys =>
    [
        "x.weight", "x.bias", "model.weight", "model.bias", "sites.weight", "sites.bias", "builder.up.weight", "builder.up.bias",
        "i.up.weight", "i.up.bias", "own.up.weight", "own.up.bias", "{odd} <\"näme\">.0.up.weight", "{odd} <\"näme\">.0.up.bias",
    ];

    protected override string[] Targets => ["x", "model", "sites", "builder.up", "i.up", "own.up", "{odd} <\"näme\">.0.up"];

    protected override double[] Forward(Reference of, double[] x)
        => of.Block("{odd} <\"näme\">.0", of.Block("own", of.Block("i", of.Block("builder", of.Target("sites", of.Target("model", of.Target("x", x)))))));

    protected override OddNames.Adapter Load(string folder, OddNames model) => OddNames.Adapter.Load(folder, model);
}
