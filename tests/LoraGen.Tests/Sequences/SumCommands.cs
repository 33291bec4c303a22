using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Tests.Sequences;

/// <summary>Something with half of one adapter less three quarters of another, which may be the same.</summary>
internal abstract record SumCommand(int Age, int Other) : OneAdapterCommand(Age)
{
    protected const double Weight = 0.5;
    protected const double OtherWeight = -0.75;

    public override bool IsPossible(World world) => Of(world) is not null && Of(world, Other) is not null;

    public override bool IsRefused(World world) => Of(world)!.IsDisposed || Of(world, Other)!.IsDisposed || world.Merged is not null;

    protected (Echo.Adapter, double)[] Weighted(World world) => [(Of(world)!.Real, Weight), (Of(world, Other)!.Real, OtherWeight)];

    // Any weights and scales are in B, rounded once.
    protected TrackedAdapter Sum(World world, Echo.Adapter real)
    {
        var terms = new[] { (Adapter: Of(world)!, Weight), (Adapter: Of(world, Other)!, Weight: OtherWeight) };
        var factors = TrackedBase.Paths
            .Select(path => (path, present: terms.Where(term => term.Adapter.Factors.ContainsKey(path)).ToList()))
            .Where(item => item.present.Count > 0)
            .ToDictionary(item => item.path, item => new Factors(
                Matrices.Transpose(Beside(item.present.Select(term => Matrices.Transpose(term.Adapter.Factors[item.path].A)))),
                Beside(item.present.Select(term => Matrices.Map(term.Adapter.Factors[item.path].B, value => value * (term.Weight * term.Adapter.Shape.Scale))))));
        var tracked = new TrackedAdapter(real, new SumShape(factors.ToDictionary(item => item.Key, item => item.Value.A.GetLength(0))), factors)
        {
            Dtype = terms.Any(term => term.Adapter.Dtype == ScalarType.Float64) ? ScalarType.Float64 : ScalarType.Float32,
        };
        tracked.NoteValues(factors);
        world.Adapters.Add(tracked);
        return tracked;
    }

    private static double[,] Beside(IEnumerable<double[,]> parts)
    {
        var columns = parts.SelectMany(part => Enumerable.Range(0, part.GetLength(1)).Select(column => (part, column))).ToList();
        var result = new double[TrackedBase.Width, columns.Count];
        for (var j = 0; j < columns.Count; j++)
        {
            for (var i = 0; i < TrackedBase.Width; i++)
                result[i, j] = columns[j].part[i, columns[j].column];
        }

        return result;
    }
}

internal sealed record CombineTwo(int Age, int Other) : SumCommand(Age, Other)
{
    public override void Run(World world)
        => Sum(world, world.Model.Combine(new CombineOptions { Method = CombineMethod.Cat }, Weighted(world)).Adapter);
}

internal sealed record MergeTwo(int Age, int Other) : SumCommand(Age, Other)
{
    public override bool IsRefused(World world) => base.IsRefused(world) || world.ActiveReal is not null;

    public override void Run(World world)
    {
        world.Model.Merge(Weighted(world));
        world.NoteMerge(Sum(world, world.Model.MergedAdapter!));
    }
}
