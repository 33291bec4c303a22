using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Shapes.Tests.Running;

/// <summary>What must hold for a model of every shape; a derived class says what is the shape's own.</summary>
/// <typeparam name="TModel">The model.</typeparam>
/// <typeparam name="TAdapter">The type of its ActiveAdapter.</typeparam>
public abstract class ShapeTests<TModel, TAdapter> : IDisposable
    where TModel : Module<Tensor, Tensor>, ILoraModel<TAdapter>
    where TAdapter : LoraAdapter
{
    /// <summary>The length of the vectors that every shape takes.</summary>
    protected const int Width = 4;

    private const int Rows = 3;

    private readonly IDisposable _scope = NewDisposeScope();
    private readonly TModel _model;
    private readonly Tensor _x;

    /// <param name="model">A base, which the test gives values.</param>
    protected ShapeTests(TModel model)
    {
        _model = model;
        _model.eval();
        Fill(_model, seed: 1);
        using var generator = new Generator(2, CPU);
        _x = randn(Rows, Width, generator: generator);
    }

    /// <summary>The keys of the base's state_dict, as a checkpoint would have them.</summary>
    protected abstract string[] BaseKeys { get; }

    /// <summary>The paths of the annotated projections. A class may be in several files, whose order is the build's: theirs is none here.</summary>
    protected abstract string[] Targets { get; }

    /// <summary>The keys of the adapter's state_dict: those of Linear targets and of what is saved whole, unless the shape has others.</summary>
    protected virtual string[] AdapterKeys => [.. Targets.SelectMany(path => new[] { $"{path}.lora_A.weight", $"{path}.lora_B.weight" }), .. SavedKeys];

    /// <summary>The keys of what is saved whole.</summary>
    protected virtual string[] SavedKeys => [];

    /// <summary>The keys of the base that a merge writes.</summary>
    protected virtual string[] MergedKeys => [.. Targets.Select(path => $"{path}.weight"), .. SavedKeys];

    /// <summary>How the shape composes its projections.</summary>
    protected abstract double[] Forward(Reference of, double[] x);

    /// <summary>The generated Load.</summary>
    protected abstract TAdapter Load(string folder, TModel model);

    [Fact]
    public void The_keys_of_the_base_and_of_the_adapter_are_those_of_a_checkpoint()
    {
        Assert.Equal(BaseKeys.Order(StringComparer.Ordinal), _model.state_dict().Keys.Order(StringComparer.Ordinal));
        using var adapter = TrainedAdapter();
        _model.ActiveAdapter = adapter;

        Assert.Equal(
            AdapterKeys.Order(StringComparer.Ordinal),
            adapter.state_dict().Keys.Order(StringComparer.Ordinal));
        Assert.Equal(Targets.Order(StringComparer.Ordinal), adapter.Updates.Select(update => update.Path).Order(StringComparer.Ordinal));
        Assert.Equal(BaseKeys.Order(StringComparer.Ordinal), _model.state_dict().Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_output_is_the_bases_plus_s_B_A_x_of_each_target()
    {
        AssertIs(new Reference(_model, adapter: null), _model.call(_x));
        using var adapter = TrainedAdapter();
        _model.ActiveAdapter = adapter;
        AssertIs(new Reference(_model, adapter), _model.call(_x));
    }

    [Fact]
    public void Without_an_adapter_the_base_is_itself_bit_for_bit()
    {
        var (state, output) = (Bytes(_model), Bytes(_model.call(_x)));
        using var adapter = TrainedAdapter();
        _model.ActiveAdapter = adapter;
        Assert.NotEqual(output, Bytes(_model.call(_x)));

        _model.ActiveAdapter = null;

        Assert.Equal(output, Bytes(_model.call(_x)));
        Assert.Equal(state, Bytes(_model));
    }

    [Fact]
    public void Everything_of_the_adapter_trains()
    {
        using var adapter = TrainedAdapter();
        _model.ActiveAdapter = adapter;
        _model.call(_x).square().sum().backward();

        Assert.Equal(AdapterKeys.Length, adapter.parameters().Count());
        Assert.All(adapter.named_parameters(), item => Assert.True(item.parameter.grad is { } gradient && gradient.abs().max().item<float>() > 0, item.name));
        Assert.All(_model.named_parameters(), item => Assert.True(item.parameter.grad is null, item.name));
    }

    [Fact]
    public void A_saved_adapter_comes_back()
    {
        using var folder = new ScratchFolder();
        using var adapter = TrainedAdapter();
        _model.ActiveAdapter = adapter;
        var output = Bytes(_model.call(_x));
        adapter.Save(folder.Path);

        using var loaded = Load(folder.Path, _model);
        _model.ActiveAdapter = loaded;

        Assert.Equal(adapter.GetType(), loaded.GetType());
        Assert.Equal(Bytes(adapter), Bytes(loaded));
        Assert.Equal(output, Bytes(_model.call(_x)));
    }

    [Fact]
    public void Merge_writes_every_target_and_Unmerge_restores_every_bit()
    {
        var state = Bytes(_model);
        using var adapter = TrainedAdapter();
        var reference = new Reference(_model, adapter);

        _model.Merge(adapter);

        var merged = Bytes(_model);
        Assert.Same(adapter, _model.MergedAdapter);
        Assert.Equal(
            MergedKeys.Order(StringComparer.Ordinal),
            state.Keys.Where(key => !state[key].SequenceEqual(merged[key])).Order(StringComparer.Ordinal));
        AssertIs(reference, _model.call(_x));

        _model.Unmerge();

        Assert.Equal(state, Bytes(_model));
    }

    [Fact]
    public void In_a_scope_without_the_adapter_every_part_is_the_base()
    {
        var (state, output) = (Bytes(_model), Bytes(_model.call(_x)));
        using var adapters = new NamedAdapters<TAdapter>(_model);
        Fill(adapters.Create("own"), seed: 3);
        adapters.Active = "own";
        var active = Bytes(_model.call(_x));
        using (_model.DisableAdapter<TAdapter>())
        {
            Assert.Equal(output, Bytes(_model.call(_x)));
        }

        Assert.Equal(active, Bytes(_model.call(_x)));
        _model.Merge(adapters["own"]);
        var merged = Bytes(_model);
        using (_model.DisableAdapter<TAdapter>())
        {
            Assert.Equal(state, Bytes(_model));
        }

        Assert.Equal(merged, Bytes(_model));
    }

    [Fact]
    public void A_hot_swap_gives_what_loading_gives()
    {
        using var folder = new ScratchFolder();
        using var adapter = TrainedAdapter();
        adapter.Save(folder.Path);
        using var other = _model.CreateAdapter();
        Fill(other, seed: 4);

        _model.HotSwap(other, folder.Path);

        Assert.Equal(Bytes(adapter), Bytes(other));
        _model.ActiveAdapter = other;
        AssertIs(new Reference(_model, adapter), _model.call(_x));
    }

    public void Dispose()
    {
        _model.Dispose();
        _scope.Dispose();
        GC.SuppressFinalize(this);
    }

    // As if it had been trained: a new B is zero.
    private TAdapter TrainedAdapter()
    {
        var adapter = _model.CreateAdapter();
        Fill(adapter, seed: 3);
        return adapter;
    }

    // The same values in every run, and none of those that a new module has: zeros, ones.
    private static void Fill(Module module, ulong seed)
    {
        using var inference = no_grad();
        using var generator = new Generator(seed, CPU);
        foreach (var (_, tensor) in module.state_dict().OrderBy(item => item.Key, StringComparer.Ordinal))
        {
            tensor.normal_(0, 0.3, generator);
        }
    }

    // Projections that follow each other, each exact to about (in + r) * 2^-24 = 1e-6 of its sizes; a shape may make all of them small.
    private void AssertIs(Reference reference, Tensor output)
    {
        for (var row = 0; row < Rows; row++)
        {
            var expected = Forward(reference, [.. _x[row].data<float>().ToArray()]);
            var found = output[row].detach().data<float>().ToArray();
            Assert.Equal(expected.Length, found.Length);
            Assert.All(expected, (value, i) => Assert.Equal(value, found[i], tolerance: 1e-5 * expected.Max(Math.Abs)));
        }
    }

    private static Dictionary<string, byte[]> Bytes(Module module) => module.state_dict().ToDictionary(item => item.Key, item => Bytes(item.Value));

    private static byte[] Bytes(Tensor tensor) => tensor.detach().contiguous().bytes.ToArray();
}
