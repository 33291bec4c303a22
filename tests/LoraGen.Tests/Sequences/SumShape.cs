namespace LoraGen.Tests.Sequences;

/// <summary>What a sum of two adapters comes out as: scale 1, and in each projection as many ranks as they have there together.</summary>
internal sealed record SumShape(IReadOnlyDictionary<string, int> Ranks)
    : Shape(Rank: 0, Rslora: false, Whole: Ranks.Count > 1)
{
    public override double Scale => 1;

    public override int RankOf(string path) => Ranks[path];

    public override string ToString() => $"ranks {string.Join(" and ", Ranks.Values)}";
}
