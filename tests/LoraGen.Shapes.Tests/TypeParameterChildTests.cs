using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>Children whose class is a type parameter.</summary>
public sealed class TypeParameterChildTests() : ShapeTests<TypeParameterChild<Wide>, TypeParameterChild<Wide>.Adapter>(new TypeParameterChild<Wide>(new Wide(Width), new Wide(Width), new Wide(Width)))
{
    protected override string[] BaseKeys =>
    [
        "one.up.weight", "one.up.bias", "one.down.weight", "one.down.bias", "one.block.up.weight", "one.block.up.bias", "two.up.weight",
        "two.up.bias", "two.down.weight", "two.down.bias", "two.block.up.weight", "two.block.up.bias", "many.0.up.weight",
        "many.0.up.bias", "many.0.down.weight", "many.0.down.bias", "many.0.block.up.weight", "many.0.block.up.bias",
    ];

    protected override string[] Targets =>
    [
        "one.up", "one.down", "one.block.up", "two.up", "two.down", "two.block.up", "many.0.up", "many.0.down", "many.0.block.up",
    ];

    protected override double[] Forward(Reference of, double[] x) => Wide(of, "many.0", Wide(of, "two", Wide(of, "one", x)));

    protected override TypeParameterChild<Wide>.Adapter Load(string folder, TypeParameterChild<Wide> model) => TypeParameterChild<Wide>.Adapter.Load(folder, model);

    private static double[] Wide(Reference of, string path, double[] x) => LayerReference.Wide(of.Child(path), x);
}
