using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>Keys that are not the names of the fields.</summary>
public sealed class ComponentNamesTests() : ShapeTests<ComponentNames, ComponentNames.Adapter>(new ComponentNames(Width))
{
    protected override string[] BaseKeys =>
    [
        "c_fc.weight", "c_fc.bias", "ln.up.weight", "ln.up.bias", "h.0.up.weight", "h.0.up.bias", "h.1.up.weight", "h.1.up.bias",
    ];

    protected override string[] Targets => ["c_fc", "ln.up", "h.0.up", "h.1.up"];

    protected override double[] Forward(Reference of, double[] x) => of.Block("h.1", of.Block("h.0", of.Block("ln", of.Target("c_fc", x))));

    protected override ComponentNames.Adapter Load(string folder, ComponentNames model) => ComponentNames.Adapter.Load(folder, model);
}
