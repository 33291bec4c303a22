using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A list and a field of a base class that hold objects of derived ones.</summary>
public sealed class MixedLayersTests() : ShapeTests<MixedLayers, MixedLayers.Adapter>(new MixedLayers(Width))
{
    protected override string[] BaseKeys =>
    [
        "h.0.up.weight", "h.0.up.bias", "h.1.up.weight", "h.1.up.bias", "h.1.down.weight", "h.1.down.bias", "h.1.block.up.weight",
        "h.1.block.up.bias", "h.2.up.weight", "h.2.up.bias", "last.up.weight", "last.up.bias", "last.down.weight", "last.down.bias",
        "last.block.up.weight", "last.block.up.bias", "last.last.up.weight", "last.last.up.bias", "last.h.0.up.weight", "last.h.0.up.bias",
        "h.2.plain.weight", "h.2.plain.bias",
    ];

    protected override string[] Targets =>
    [
        "h.0.up", "h.1.up", "h.1.down", "h.1.block.up", "h.2.up", "last.up", "last.down", "last.block.up", "last.last.up", "last.h.0.up",
    ];

    protected override double[] Forward(Reference of, double[] x)
    {
        x = LayerReference.Layer(of.Child("h.0"), x);
        x = LayerReference.Wide(of.Child("h.1"), x);
        x = LayerReference.Between(of.Child("h.2"), x);
        return LayerReference.Wider(of.Child("last"), x);
    }

    protected override MixedLayers.Adapter Load(string folder, MixedLayers model) => MixedLayers.Adapter.Load(folder, model);

    [Fact]
    public void Each_child_has_the_adapter_of_its_own_class()
    {
        using var model = new MixedLayers(Width);
        using var adapter = model.CreateAdapter();
        Assert.Equal([typeof(Layer.Adapter), typeof(Wide.Adapter), typeof(Layer.Adapter)], adapter.h.Select(child => child.GetType()));
        Assert.IsType<Wider.Adapter>(adapter.last);
    }
}
