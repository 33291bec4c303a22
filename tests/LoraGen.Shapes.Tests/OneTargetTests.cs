using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>Rank, alpha and dropout from the attribute.</summary>
public sealed class OneTargetTests() : ShapeTests<OneTarget, OneTarget.Adapter>(new OneTarget(Width))
{
    protected override string[] BaseKeys => ["up_proj.weight", "up_proj.bias"];

    protected override string[] Targets => ["up_proj"];

    protected override double[] Forward(Reference of, double[] x) => of.Target("up_proj", x, rank: 4, alpha: 16);

    protected override OneTarget.Adapter Load(string folder, OneTarget model) => OneTarget.Adapter.Load(folder, model);
}
