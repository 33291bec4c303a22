using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>Two children of one type, a list of more, and a norm between.</summary>
public sealed class ChildrenTests() : ShapeTests<Children, Children.Adapter>(new Children(Width))
{
    protected override string[] BaseKeys =>
    [
        "first.up.weight", "first.up.bias", "second.up.weight", "second.up.bias", "h.0.up.weight", "h.0.up.bias", "h.1.up.weight",
        "h.1.up.bias", "ln_f.weight", "ln_f.bias", "lm_head.weight",
    ];

    protected override string[] Targets => ["lm_head", "first.up", "second.up", "h.0.up", "h.1.up"];

    protected override double[] Forward(Reference of, double[] x)
        => of.Target("lm_head", of.LayerNorm("ln_f", of.Block("h.1", of.Block("h.0", of.Block("second", of.Block("first", x))))));

    protected override Children.Adapter Load(string folder, Children model) => Children.Adapter.Load(folder, model);
}
