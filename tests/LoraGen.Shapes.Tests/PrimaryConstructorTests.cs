using LoraGen.Shapes.Tests.Running;
using Sample;
using static TorchSharp.torch.nn;

namespace LoraGen.Shapes.Tests;

/// <summary>Fields that are assigned from the parameters of the class.</summary>
public sealed class PrimaryConstructorTests() : ShapeTests<PrimaryConstructor, PrimaryConstructor.Adapter>(new PrimaryConstructor(Linear(Width, 3), Width))
{
    protected override string[] BaseKeys => ["q.weight", "q.bias", "k.weight", "k.bias", "block.up.weight", "block.up.bias"];

    protected override string[] Targets => ["q", "k", "block.up"];

    protected override double[] Forward(Reference of, double[] x) => of.Block("block", Reference.Sum(of.Target("q", x), of.Target("k", x)));

    protected override PrimaryConstructor.Adapter Load(string folder, PrimaryConstructor model) => PrimaryConstructor.Adapter.Load(folder, model);
}
