using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A head that the attribute saves whole.</summary>
public sealed class SavedHeadTests() : ShapeTests<SavedHead, SavedHead.Adapter>(new SavedHead(Width))
{
    protected override string[] BaseKeys => ["up.weight", "up.bias", "classifier.weight", "classifier.bias"];

    protected override string[] Targets => ["up"];

    protected override string[] SavedKeys => ["classifier.weight", "classifier.bias"];

    protected override double[] Forward(Reference of, double[] x) => of.SavedTarget("classifier", of.Target("up", x, rank: 2, alpha: 5));

    protected override SavedHead.Adapter Load(string folder, SavedHead model) => SavedHead.Adapter.Load(folder, model);
}
