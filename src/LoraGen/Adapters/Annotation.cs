using static TorchSharp.torch;

namespace LoraGen;

/// <summary>One annotated projection and what its attribute says.</summary>
/// <param name="Path">Where it lies below the model.</param>
/// <param name="Projection">The base's module.</param>
/// <param name="Kind">What module it is.</param>
/// <param name="Rank">The rank r.</param>
/// <param name="Alpha">The scale's numerator.</param>
/// <param name="Dropout">Probability of dropping an input of A.</param>
/// <param name="ByDefault">Whether it is adapted where no config names what is.</param>
/// <param name="OutputHead">Whether PEFT's <c>all-linear</c> leaves it out.</param>
/// <param name="UseDora">Whether it is decomposed into magnitude and direction.</param>
/// <param name="Init">How A and B begin.</param>
/// <param name="Slices">The slices that are adapted, or null for the whole.</param>
internal sealed record Annotation(string Path, nn.Module Projection, UpdateKind Kind, int Rank, double Alpha, double Dropout, bool ByDefault, bool OutputHead, bool UseDora, LoraInit Init, FusedSlices? Slices)
{
    /// <summary>Whether B has a bias.</summary>
    public bool LoraBias { get; init; }

    /// <summary>The length of A's rows, of a convolution without the kernel.</summary>
    public long InSize => Kind.InOf(ProjectionWeight.Of(Projection));

    /// <summary>The length of the projection's result.</summary>
    public long OutSize => Kind.OutOf(ProjectionWeight.Of(Projection));

    /// <summary>The shape of an A of so many rows: [rows, in], of a convolution [rows, in, kernel...].</summary>
    public long[] ShapeOfA(long rows) => [rows, InSize, .. Kernel];

    /// <summary>The shape of a B for so many outputs: [outputs, r], of a convolution [outputs, r, 1...].</summary>
    public long[] ShapeOfB(long outputs, long rank) => [outputs, rank, .. Ones];

    /// <summary>The shape of DoRA's magnitude: [out], of a convolution [1, out, 1...].</summary>
    public long[] ShapeOfMagnitude => Kernel.Length == 0 ? [OutSize] : [1, OutSize, .. Ones];

    private long[] Kernel => ProjectionWeight.Of(Projection).shape[2..];

    private IEnumerable<long> Ones => Kernel.Select(_ => 1L);
}
