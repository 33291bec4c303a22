using LoraGen.Shapes.Tests.Running;
using Sample;
using static TorchSharp.torch.nn;

namespace LoraGen.Shapes.Tests;

/// <summary>Fields that may hold one and the same object: here each holds its own, and elsewhere the adapter is refused.</summary>
public sealed class TiedTests() : ShapeTests<Tied, Tied.Adapter>(Untied())
{
    protected override string[] BaseKeys =>
    [
        "up.weight", "up.bias", "down.weight", "down.bias", "first.up.weight", "first.up.bias", "second.up.weight", "second.up.bias",
        "h.0.up.weight", "h.0.up.bias", "h.1.up.weight", "h.1.up.bias",
    ];

    protected override string[] Targets => ["up", "down", "first.up", "second.up", "h.0.up", "h.1.up"];

    protected override double[] Forward(Reference of, double[] x)
        => of.Block("h.1", of.Block("h.0", of.Block("second", of.Block("first", of.Target("down", of.Target("up", x))))));

    protected override Tied.Adapter Load(string folder, Tied model) => Tied.Adapter.Load(folder, model);

    [Fact]
    public void One_projection_in_two_fields_is_refused()
    {
        var shared = Linear(Width, Width);
        RefusesToAdapt(new Tied((shared, shared), (Block(), Block()), [Block(), Block()]), "up", "down");
    }

    // Merged twice, the weight would not come back.
    [Fact]
    public void Two_projections_with_one_weight_are_refused()
    {
        var shared = Linear(Width, Width).weight;
        RefusesToAdapt(new Tied((Linear(shared), Linear(shared)), (Block(), Block()), [Block(), Block()]), "up", "down");
    }

    [Fact]
    public void One_child_in_two_fields_is_refused()
    {
        var shared = Block();
        RefusesToAdapt(new Tied((Linear(Width, Width), Linear(Width, Width)), (shared, shared), [Block(), Block()]), "first.up", "second.up");
    }

    [Fact]
    public void One_child_twice_in_a_list_is_refused()
    {
        var shared = Block();
        RefusesToAdapt(new Tied((Linear(Width, Width), Linear(Width, Width)), (Block(), Block()), [shared, shared]), "h.0.up", "h.1.up");
    }

    [Fact]
    public void One_child_in_a_field_and_in_a_list_is_refused()
    {
        var shared = Block();
        RefusesToAdapt(new Tied((Linear(Width, Width), Linear(Width, Width)), (Block(), shared), [Block(), shared]), "second.up", "h.1.up");
    }

    private static Tied Untied() => new((Linear(Width, Width), Linear(Width, Width)), (Block(), Block()), [Block(), Block()]);

    private static Block Block() => new(Width);

    private static void RefusesToAdapt(Tied model, string first, string second)
    {
        using (model)
        {
            var message = Assert.Throws<LoraException>(() => model.CreateAdapter()).Message;
            Assert.StartsWith($"{second}: ", message, StringComparison.Ordinal);
            Assert.Contains($" {first}", message, StringComparison.Ordinal);
            Assert.All(model.parameters(), parameter => Assert.True(parameter.requires_grad));
        }
    }
}
