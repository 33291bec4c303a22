using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>Convolutions whose kernels are as large as what they look at, so that each is a matrix times all of it.</summary>
public sealed class ConvolvedTests() : ShapeTests<Convolved, Convolved.Adapter>(new Convolved())
{
    protected override string[] BaseKeys => ["signal.weight", "signal.bias", "image.weight", "image.bias", "volume.weight"];

    protected override string[] Targets => ["signal", "image", "volume"];

    protected override double[] Forward(Reference of, double[] x)
        => of.Target("volume", of.Target("image", of.Target("signal", x, rank: 2, alpha: 6), rank: 3, alpha: 5));

    protected override Convolved.Adapter Load(string folder, Convolved model) => Convolved.Adapter.Load(folder, model);
}
