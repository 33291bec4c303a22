using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>Type arguments that may be null.</summary>
public sealed class NullableTypeArgumentsTests() : ShapeTests<NullableTypeArguments, NullableTypeArguments.Adapter>(new NullableTypeArguments(Width))
{
    protected override string[] BaseKeys => ["up.weight", "up.bias", "one.up.weight", "one.up.bias", "two.up.weight", "two.up.bias", "h.0.up.weight", "h.0.up.bias"];

    protected override string[] Targets => ["up", "one.up", "two.up", "h.0.up"];

    protected override double[] Forward(Reference of, double[] x) => of.Target("h.0.up", of.Target("two.up", of.Target("one.up", of.Target("up", x))));

    protected override NullableTypeArguments.Adapter Load(string folder, NullableTypeArguments model) => NullableTypeArguments.Adapter.Load(folder, model);
}
