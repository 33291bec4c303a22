namespace LoraGen.Tests.Sequences;

/// <summary>What an adapter is made with.</summary>
/// <param name="Rank">r.</param>
/// <param name="Rslora">Whether the scale is alpha / sqrt(r).</param>
/// <param name="Whole">Whether both projections are targeted, or the second alone.</param>
internal record Shape(int Rank, bool Rslora, bool Whole)
{
    private const double Alpha = 1.5;

    public virtual double Scale => Alpha / (Rslora ? Math.Sqrt(Rank) : Rank);

    public IEnumerable<string> Paths => Whole ? TrackedBase.Paths : TrackedBase.Paths[1..];

    public LoraConfig Config => new() { Rank = Rank, Alpha = Alpha, UseRslora = Rslora, TargetModules = Whole ? null : ["inside.fc"] };

    public virtual int RankOf(string path) => Rank;

    public Dictionary<string, Factors> Factors(int seed) => Paths.ToDictionary(path => path, path => Sequences.Factors.Random(RankOf(path), (2 * seed) + Array.IndexOf(TrackedBase.Paths, path)));

    public override string ToString() => $"rank {Rank}{(Rslora ? ", rslora" : "")}{(Whole ? "" : ", second projection only")}";
}
