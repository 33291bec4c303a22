using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A class in three files.</summary>
public sealed class SeveralFilesTests() : ShapeTests<SeveralFiles, SeveralFiles.Adapter>(new SeveralFiles(Width))
{
    protected override string[] BaseKeys =>
    [
        "first.weight", "first.bias", "second.weight", "second.bias", "last.up.weight", "last.up.bias", "third.weight", "third.bias",
    ];

    protected override string[] Targets => ["first", "second", "third", "last.up"];

    protected override double[] Forward(Reference of, double[] x)
        => of.Block("last", of.Target("third", of.Target("second", of.Target("first", x), rank: 2, alpha: 0.1), rank: 1));

    protected override SeveralFiles.Adapter Load(string folder, SeveralFiles model) => SeveralFiles.Adapter.Load(folder, model);
}
