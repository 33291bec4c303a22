using LoraGen.Combining;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>Which ranks a computed adapter gets: <c>RankChoice.AtMost(8)</c>, or 8 for short, or <c>RankChoice.KeepingEnergy(0.99)</c>.</summary>
public sealed record RankChoice
{
    private readonly int _most;
    private readonly double _share;

    private RankChoice(int most, double share) => (_most, _share) = (most, share);

    /// <summary>This rank in each projection, or the largest that its update can have, where that is smaller.</summary>
    /// <exception cref="LoraException">The rank is below 1.</exception>
    public static RankChoice AtMost(int rank)
        => rank >= 1 ? new RankChoice(rank, 1) : throw new LoraException($"{nameof(RankChoice)}: rank: expected at least 1, found {rank}.");

    /// <summary>
    /// The fewest singular values of all projections together that have this share of the sum of their squares, the largest first. A
    /// projection of which none is among them is left out.
    /// </summary>
    /// <exception cref="LoraException">The share is not above 0 and at most 1.</exception>
    public static RankChoice KeepingEnergy(double share)
        => share is > 0 and <= 1 ? new RankChoice(int.MaxValue, share) : throw new LoraException(FormattableString.Invariant($"{nameof(RankChoice)}: energy: expected a share above 0 and at most 1, found {share}."));

    /// <summary><see cref="AtMost"/>.</summary>
    public static implicit operator RankChoice(int rank) => AtMost(rank);

    /// <summary>A bound of every rank.</summary>
    internal int Limit => _most;

    /// <summary>The rank of each update; 0 leaves it out.</summary>
    internal IReadOnlyList<int> Ranks(IReadOnlyList<Spectrum> spectra)
    {
        if (_most < int.MaxValue)
        {
            return [.. spectra.Select(spectrum => (int)Math.Min(_most, spectrum.S.shape[0]))];
        }

        var squares = spectra
            .SelectMany((spectrum, number) => spectrum.S.cpu().data<double>().Select(value => (Number: number, Square: value * value)))
            .OrderByDescending(item => item.Square)
            .ToList();
        var (total, kept) = (squares.Sum(item => item.Square), 0.0);
        if (total == 0)
        {
            throw new LoraException($"{nameof(RankChoice)}: energy: expected an update with a value other than 0, found none, so that a share of it says nothing.");
        }

        var ranks = new int[spectra.Count];
        foreach (var (number, square) in squares)
        {
            // All that a sum of positive numbers leaves of a share of 1 is its rounding.
            if (square == 0 || kept >= _share * total * (1 - 1e-15))
            {
                break;
            }

            ranks[number]++;
            kept += square;
        }

        return ranks;
    }
}
