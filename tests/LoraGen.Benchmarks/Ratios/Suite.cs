using static TorchSharp.torch;

namespace LoraGen.Benchmarks.Ratios;

/// <summary>Pairs that answer one question.</summary>
/// <param name="Name">What the command line calls it.</param>
/// <param name="Question">What it is about.</param>
/// <param name="Pairs">Makes them one after the other: a pair's models live until the next is asked for.</param>
internal sealed record Suite(string Name, string Question, Func<Device, IEnumerable<Pair>> Pairs)
{
    public static IReadOnlyList<Suite> All { get; } =
    [
        new("merged", "A projection with its adapter merged, beside one without LoRA.", ForwardPairs.Merged),
        new("unmerged", "A projection with an active adapter that is frozen and in evaluation mode, beside one without LoRA.", ForwardPairs.Unmerged),
        new("floor", "LoRA by hand beside no LoRA: what the two products cost whoever calls them.", ForwardPairs.Floor),
        new("hand", "What is generated beside LoRA by hand.", ForwardPairs.HandWritten),
    ];
}
