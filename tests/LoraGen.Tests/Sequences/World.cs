using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Sequences;

/// <summary>
/// A model with its adapters and files, beside what all of them must be by the formulas, in plain float64 arrays that take nothing from
/// the library but A and B after a training step.
/// </summary>
internal sealed class World : IDisposable
{
    public const int Rows = 3;

    /// <summary>An adapter of another model of the same class.</summary>
    public static readonly Echo.Adapter Foreign = new Echo().CreateAdapter();

    private readonly Tensor _x;
    private readonly double[,] _input;
    private readonly ScratchFolder _folder = new();
    private readonly Dictionary<MixedForm, TrackedAdapter?[]> _mixedRows = [];

    // The merged weights' originals, what they had added to them, and the roundings since, each by its largest relative error.
    private Dictionary<string, double[]> _originals = [];
    private Dictionary<string, Factors> _mergedFactors = [];
    private double _mergedRounding;

    // Of each scope in which the model is its base, the outermost first: what was active, whether anything was merged, and whether this one took it out.
    private readonly Stack<(IDisposable Scope, Echo.Adapter? Active, TrackedAdapter?[] Rows, bool WasMerged, bool DisablesMerge)> _scopes = [];

    public World(ScalarType dtype)
    {
        var random = new Random(17);
        Base = new TrackedBase(dtype, random);
        Model.to(dtype);
        using var scope = NewDisposeScope();
        Model.load_state_dict(Base.Values.ToDictionary(item => item.Key, item => tensor(item.Value).view(Model.state_dict()[item.Key].shape)));

        // Eighths are exact in every format.
        _x = Matrix(TrackedBase.Width).DetachFromDisposeScope();
        Upstream = Matrix(TrackedBase.Width).DetachFromDisposeScope();
        _input = Values.Matrix(_x);
        Named = new NamedAdapters<Echo.Adapter>(Model);
        Mixed = Enum.GetValues<MixedForm>().ToDictionary(form => form, form => new MixedBatch<Echo.Adapter>(Model, form));

        Tensor Matrix(int columns) => tensor(Enumerable.Range(0, Rows * columns).Select(_ => random.Next(-8, 9) / 8.0).ToArray()).view(Rows, columns);
    }

    public Echo Model { get; } = new();

    public TrackedBase Base { get; }

    /// <summary>The derivative of the loss that a training step lowers by the output.</summary>
    public Tensor Upstream { get; }

    /// <summary>All adapters ever made, disposed ones too.</summary>
    public List<TrackedAdapter> Adapters { get; } = [];

    /// <summary>The adapter of each row, one for all or mixed.</summary>
    public TrackedAdapter?[] ActiveRows { get; private set; } = new TrackedAdapter?[Rows];

    /// <summary>What the model must have as its adapter.</summary>
    public Echo.Adapter? ActiveReal { get; private set; }

    /// <summary>A mixed batch of each form.</summary>
    public IReadOnlyDictionary<MixedForm, MixedBatch<Echo.Adapter>> Mixed { get; }

    public TrackedAdapter? Merged { get; private set; }

    /// <summary>Whether the model is in a scope in which it was made its base.</summary>
    public bool IsDisabled => _scopes.Count > 0;

    /// <summary>Whether the weights are the base's for a while, though an adapter is merged.</summary>
    public bool IsMergeDisabled => _scopes.Any(item => item.DisablesMerge);

    /// <summary>The adapters that have a name.</summary>
    public NamedAdapters<Echo.Adapter> Named { get; }

    /// <summary>The same, in the order in which they got it.</summary>
    public OrderedDictionary<string, TrackedAdapter> Names { get; } = [];

    /// <summary>What was saved, by folder.</summary>
    public Dictionary<int, (Shape Shape, Dictionary<string, Factors> Factors)> Saved { get; } = [];

    public string Folder(int number) => Path.Combine(_folder.Path, $"{number}");

    public Tensor Input => _x.to_type(Base.Dtype);

    public void NoteActive(TrackedAdapter? adapter) => (ActiveReal, ActiveRows) = (adapter?.Real, [.. Enumerable.Repeat(adapter, Rows)]);

    /// <summary>The rows of a mixed batch, active or not: where it is, they count at once.</summary>
    public void NoteRows(MixedForm form, TrackedAdapter?[] rows)
    {
        _mixedRows[form] = rows;
        if (ActiveReal == Mixed[form].Adapter)
            NoteMixed(form);
    }

    public void NoteMixed(MixedForm form) => (ActiveReal, ActiveRows) = (Mixed[form].Adapter, _mixedRows[form]);

    public void NoteMerge(TrackedAdapter adapter)
    {
        NoteActive(null);
        Merged = adapter;
        _mergedFactors = new Dictionary<string, Factors>(adapter.Factors);
        _originals = adapter.Factors.Keys.ToDictionary(path => path, path => (double[])Base.Values[$"{path}.weight"].Clone());
        _mergedRounding = Rounding.Unit(Base.Dtype);
    }

    public void NoteMove(ScalarType dtype)
    {
        Base.MoveTo(dtype);
        _mergedRounding += Rounding.Unit(dtype);
    }

    public void NoteUnmerge()
    {
        NoteOriginals();
        (Merged, _mergedFactors, _originals) = (null, [], []);
    }

    // A weight that was merged comes back from its original in one rounding, whatever dtypes the model passed through meanwhile.
    private void NoteOriginals()
    {
        foreach (var (path, original) in _originals)
            Base.Values[$"{path}.weight"] = [.. original.Select(value => Rounding.Nearest(Base.Dtype, value))];
    }

    public void NoteDisabled(IDisposable scope)
    {
        _scopes.Push((scope, ActiveReal, ActiveRows, Merged is not null, Merged is not null && !IsMergeDisabled));
        NoteActive(null);
        NoteOriginals();
    }

    public void NoteEnabled()
    {
        var (scope, active, rows, wasMerged, _) = _scopes.Pop();
        scope.Dispose();
        if (!wasMerged && Merged is not null)
            NoteUnmerge();

        // The rows of a mixed batch may have been assigned anew meanwhile.
        (ActiveReal, ActiveRows) = (active, rows);
        foreach (var form in Mixed.Keys.Where(form => Mixed[form].Adapter == active))
            NoteMixed(form);
    }

    /// <summary>Checks everything that must hold after every command.</summary>
    public void AssertInvariants()
    {
        Assert.Same(ActiveReal, Model.ActiveAdapter);
        Assert.Same(Merged?.Real, Model.MergedAdapter);
        Assert.Equal(Names.Keys, Named.Names);
        Assert.Equal(Names.FirstOrDefault(item => item.Value.Real == ActiveReal).Key, Named.Active);
        AssertBase();
        foreach (var adapter in Adapters.Where(adapter => !adapter.IsDisposed))
            adapter.AssertHolds();
        AssertOutput();
    }

    private void AssertBase()
    {
        using var scope = NewDisposeScope();
        var state = Model.state_dict();
        Assert.Equal(Base.Values.Keys.Order(), state.Keys.Order());
        foreach (var (key, expected) in Base.Values)
        {
            Assert.Equal(Base.Dtype, state[key].dtype);
            if (!Carries(key.Replace(".weight", "")))
                Assert.Equal(expected, Values.Flat(state[key]));
        }
    }

    private void AssertOutput()
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        if (ActiveRows.Any(adapter => adapter is { IsDisposed: true }))
        {
            Assert.Throws<LoraException>(() => Model.call(Input));
            return;
        }

        var (expected, error) = (new double[Rows, TrackedBase.Width], new double[Rows, TrackedBase.Width]);
        for (var row = 0; row < Rows; row++)
        {
            var whole = Output(ActiveRows[row]);
            for (var j = 0; j < TrackedBase.Width; j++)
                (expected[row, j], error[row, j]) = (whole.Value[row, j], whole.Error[row, j]);
        }

        Rounding.AssertWithin(expected, Values.Matrix(Model.call(Input)), error, unit: 1, roundings: 1);
    }

    // y = P2(P1(x)). What P2 is given has an error already, which it carries on; its own is that of its sums, of the half formats in
    // between and of the merged weight.
    private (double[,] Value, double[,] Error) Output(TrackedAdapter? active)
    {
        var (value, error) = (_input, new double[Rows, TrackedBase.Width]);
        foreach (var path in TrackedBase.Paths)
        {
            var projection = Projection(path, active);
            var sizes = projection.Absolute();
            var own = sizes.Forward(Sum(Matrices.Abs(value), error));
            var relative = (RoundingsOf(projection) * Rounding.Unit(Base.Dtype)) + (Carries(path) ? _mergedRounding : 0);
            error = Sum((sizes with { Bias = null }).Forward(error), Times(relative, own));
            value = projection.Forward(value);
        }

        return (value, error);
    }

    /// <summary>The derivatives of the loss by A and B of every targeted projection of an active adapter, over its rows, and the errors that they may have.</summary>
    public Dictionary<string, (Factors Value, Factors Error)> Gradients(TrackedAdapter adapter)
    {
        var (first, second) = (Projection(TrackedBase.Paths[0], adapter), Projection(TrackedBase.Paths[1], adapter));
        var upstream = Values.Matrix(Upstream);
        for (var row = 0; row < Rows; row++)
        {
            for (var j = 0; j < TrackedBase.Width; j++)
                upstream[row, j] *= ActiveRows[row] == adapter ? 1 : 0;
        }

        var value = Through(first, second, _input, upstream);
        var sizes = Through(first.Absolute(), second.Absolute(), Matrices.Abs(_input), Matrices.Abs(upstream));

        // Forward through one, and back through both and into A or B, in the coarser of the two formats.
        var unit = Math.Max(Rounding.Unit(Base.Dtype), Rounding.Unit(adapter.Dtype));
        return adapter.Factors.Keys.ToDictionary(path => path, path => (value[path], Scaled(sizes[path], 4 * RoundingsOf(first) * unit)));

        static Dictionary<string, Factors> Through(LoraLinear first, LoraLinear second, double[,] x, double[,] dy)
        {
            var (a2, b2, between) = second.Gradients(first.Forward(x), dy);
            var (a1, b1, _) = first.Gradients(x, between);
            return new() { [TrackedBase.Paths[0]] = new(a1, b1), [TrackedBase.Paths[1]] = new(a2, b2) };
        }

        static Factors Scaled(Factors factors, double by) => new(Times(by, factors.A), Times(by, factors.B));
    }

    private int RoundingsOf(LoraLinear projection) => Rounding.Count(Base.Dtype, projection.Roundings + 2, stored: 5);

    private LoraLinear Projection(string path, TrackedAdapter? active)
    {
        var (adapter, factors) = Merged is null || IsMergeDisabled ? (active, active?.Factors) : (Merged, _mergedFactors);
        var weight = Base.Weight(path);
        if (Carries(path) && _originals[path] is var original)
            Buffer.BlockCopy(original, 0, weight, 0, original.Length * sizeof(double));
        return factors?.GetValueOrDefault(path) is { } update
            ? new LoraLinear(weight, Base.Bias(path), update.A, update.B, adapter!.Shape.Scale)
            : new LoraLinear(weight, Base.Bias(path), new double[0, TrackedBase.Width], new double[TrackedBase.Width, 0], Scale: 0);
    }

    // Whether a projection's weight is that of the merged adapter now.
    private bool Carries(string path) => _originals.ContainsKey(path) && !IsMergeDisabled;

    private static double[,] Sum(double[,] left, double[,] right) => Matrices.Zip(left, right, (a, b) => a + b);

    private static double[,] Times(double factor, double[,] matrix) => Matrices.Map(matrix, value => factor * value);

    public void Dispose()
    {
        while (IsDisabled)
            _scopes.Pop().Scope.Dispose();
        Named.Dispose();
        foreach (var adapter in Adapters)
            adapter.Real.Dispose();
        foreach (var mixed in Mixed.Values)
            mixed.Dispose();
        Model.Dispose();
        _x.Dispose();
        Upstream.Dispose();
        _folder.Dispose();
    }
}
