using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>The adapters of classes that derive from each other: which may stand for which.</summary>
public sealed class InheritedAdapterTests
{
    private const int Width = 4;

    [Fact]
    public void The_adapter_of_a_derived_class_is_one_of_its_base_class_with_more()
    {
        using var model = new Wider(Width);
        using Wider.Adapter adapter = model.CreateAdapter();
        Wide.Adapter wide = adapter;
        Layer.Adapter layer = adapter;
        Assert.Same(layer.up, wide.up);
        Assert.NotNull(wide.down);
        Assert.NotNull(adapter.last);
    }

    [Fact]
    public void A_model_that_is_seen_as_its_base_class_makes_and_loads_the_adapter_of_its_own()
    {
        using var folder = new ScratchFolder();
        using Layer model = new Wider(Width);
        using var adapter = model.CreateAdapter();
        Assert.IsType<Wider.Adapter>(adapter);
        adapter.Save(folder.Path);
        using var loaded = Layer.Adapter.Load(folder.Path, model);
        Assert.IsType<Wider.Adapter>(loaded);
        model.ActiveAdapter = loaded;
        Assert.Same(loaded, ((Wider)model).ActiveAdapter);
    }

    [Fact]
    public void The_adapter_of_the_base_class_is_refused()
    {
        using var layer = new Layer(Width);
        using var wide = new Wide(Width);
        using var adapter = layer.CreateAdapter();
        Refuses(() => ((Layer)wide).ActiveAdapter = adapter, "The adapter: expected Wide.Adapter, found Layer.Adapter");
        Refuses(() => ((Layer)wide).Merge(adapter), "The adapter: expected Wide.Adapter, found Layer.Adapter");
        Assert.Null(wide.ActiveAdapter);
        Assert.Null(wide.MergedAdapter);
    }

    [Fact]
    public void The_adapter_of_a_derived_class_is_refused_by_an_object_of_the_base_class()
    {
        using var model = new MixedLayers(Width);
        using var adapter = model.CreateAdapter();
        using var layer = new Layer(Width);

        // A part of an adapter, which knows no base whose weights could be compared.
        Refuses(() => layer.ActiveAdapter = adapter.h[1], "h.1.down: expected a projection for each update of the adapter");
        Refuses(() => layer.Merge(adapter.h[1]), "h.1.down: expected a projection for each update of the adapter");
        Assert.Null(layer.ActiveAdapter);
    }

    [Fact]
    public void A_model_whose_child_is_of_another_class_is_refused_with_the_childs_path()
    {
        using var plain = Model(new Layer(Width), new Layer(Width));
        using var mixed = Model(new Layer(Width), new Wide(Width));
        using var adapter = plain.CreateAdapter();
        Refuses(() => mixed.ActiveAdapter = adapter, "many.0: expected Wide.Adapter, found Layer.Adapter");
        Assert.Null(mixed.ActiveAdapter);

        static TypeParameterChild<Layer> Model(Layer one, Layer many) => new(one, null, many);
    }

    private static void Refuses(Action change, string message)
        => Assert.StartsWith(message, Assert.Throws<LoraException>(change).Message, StringComparison.Ordinal);
}
