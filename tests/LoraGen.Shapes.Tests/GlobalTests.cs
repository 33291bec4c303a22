using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A class outside all namespaces.</summary>
public sealed class GlobalTests() : ShapeTests<GlobalModel, GlobalModel.Adapter>(new GlobalModel(Width))
{
    protected override string[] BaseKeys => ["up.weight", "up.bias"];

    protected override string[] Targets => ["up"];

    protected override double[] Forward(Reference of, double[] x) => of.Target("up", x);

    protected override GlobalModel.Adapter Load(string folder, GlobalModel model) => GlobalModel.Adapter.Load(folder, model);
}
