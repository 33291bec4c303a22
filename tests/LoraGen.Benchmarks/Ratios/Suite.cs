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
        new("layer", "Forward and backward of one projection with LoRA, beside the same with the weight trained itself, and with LoRA by hand.", TrainingPairs.Layer),
        new("step", $"One training step of GPT-2 small with AdamW, {TrainingRun.Size}.", TrainingPairs.Step),
        new("dora", "The same step with DoRA beside LoRA.", TrainingPairs.Dora),
        new("swap", "Setting ActiveAdapter to another adapter; the aim is its time.", SwapPairs.Of),
        new("mixed", "One projection of a batch with another adapter for each part of its rows, beside one for all rows and beside a call for each.", MixedPairs.Of),
    ];
}
