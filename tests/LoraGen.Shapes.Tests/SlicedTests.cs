using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>Slices of fused projections, several and one.</summary>
public sealed class SlicedTests() : ShapeTests<Sliced, Sliced.Adapter>(new Sliced(Width))
{
    protected override string[] BaseKeys => ["qkv.weight", "qkv.bias", "c_proj.weight", "c_proj.bias"];

    protected override string[] Targets => ["qkv", "c_proj"];

    protected override double[] Forward(Reference of, double[] x) => of.SlicedTarget(
        "c_proj", of.SlicedTarget("qkv", x, isConv1D: false, slices: 3, trained: [0, 2], rank: 2, alpha: 5), isConv1D: true, slices: 2, trained: [1], rank: 2, alpha: 5);

    protected override Sliced.Adapter Load(string folder, Sliced model) => Sliced.Adapter.Load(folder, model);
}
