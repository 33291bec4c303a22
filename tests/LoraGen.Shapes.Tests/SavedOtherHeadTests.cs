using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A derived class that saves its own head, and not its base class's.</summary>
public sealed class SavedOtherHeadTests() : ShapeTests<SavedOtherHead, SavedOtherHead.Adapter>(new SavedOtherHead(Width))
{
    protected override string[] BaseKeys => ["up.weight", "up.bias", "classifier.weight", "classifier.bias", "other.weight", "other.bias"];

    protected override string[] Targets => ["up"];

    protected override string[] SavedKeys => ["other.weight", "other.bias"];

    protected override double[] Forward(Reference of, double[] x) => of.SavedTarget("other", of.Plain("classifier", of.Target("up", x, rank: 2, alpha: 5)));

    protected override SavedOtherHead.Adapter Load(string folder, SavedOtherHead model) => SavedOtherHead.Adapter.Load(folder, model);
}
