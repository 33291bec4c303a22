using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>Accessors with a name from the attribute or from the field.</summary>
public sealed class AccessorNamesTests() : ShapeTests<AccessorNames, AccessorNames.Adapter>(new AccessorNames(Width))
{
    protected override string[] BaseKeys =>
    [
        "q_proj.weight", "q_proj.bias", "KProj.weight", "KProj.bias", "c_fc.weight", "c_fc.bias", "_upProj.weight", "_upProj.bias",
        "wo.weight", "wo.bias", "__h2__4h.weight", "__h2__4h.bias",
    ];

    protected override string[] Targets => ["q_proj", "KProj", "c_fc", "_upProj", "wo", "__h2__4h"];

    protected override double[] Forward(Reference of, double[] x)
        => of.Target("__h2__4h", of.Target("wo", of.Target("_upProj", of.Target("c_fc", of.Target("KProj", of.Target("q_proj", x))))));

    protected override AccessorNames.Adapter Load(string folder, AccessorNames model) => AccessorNames.Adapter.Load(folder, model);
}
