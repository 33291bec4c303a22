using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A target, a child and a list that may be absent, and are.</summary>
public sealed class OptionalAbsentTests() : ShapeTests<OptionalParts, OptionalParts.Adapter>(new OptionalParts(Width, isWhole: false))
{
    protected override string[] BaseKeys => ["up.weight", "up.bias"];

    protected override string[] Targets => ["up"];

    protected override double[] Forward(Reference of, double[] x) => of.Target("up", x);

    protected override OptionalParts.Adapter Load(string folder, OptionalParts model) => OptionalParts.Adapter.Load(folder, model);

    [Fact]
    public void What_is_absent_in_the_model_is_absent_in_the_adapter()
    {
        using var model = new OptionalParts(Width, isWhole: false);
        using var adapter = model.CreateAdapter();
        Assert.Null(adapter.gate);
        Assert.Null(adapter.block);
        Assert.Null(adapter.more);
    }

    [Fact]
    public void The_adapter_of_a_model_with_all_parts_is_refused()
    {
        using var whole = new OptionalParts(Width, isWhole: true);
        using var model = new OptionalParts(Width, isWhole: false);
        using var adapter = whole.CreateAdapter();
        Assert.StartsWith("gate: ", Assert.Throws<LoraException>(() => model.ActiveAdapter = adapter).Message, StringComparison.Ordinal);
        Assert.Null(model.ActiveAdapter);
    }
}
