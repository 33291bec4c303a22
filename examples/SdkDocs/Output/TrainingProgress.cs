using LoraGen.Training.Optimization;

namespace SdkDocs.Output;

/// <summary>Shows a training run: step, loss, tokens a second, time left.</summary>
internal static class TrainingProgress
{
    // The loss of one small batch jumps about; this is its running mean over some twenty steps.
    private const double Smoothing = 0.95;

    /// <summary>Runs <paramref name="train"/>, which reports each of its steps to the callback it is given.</summary>
    public static T Show<T>(string title, Func<Action<TrainingStep>, T> train) => ProgressDisplay.Show(title, show =>
    {
        // Counted since this process began to train: a resumed run does not count what was done before.
        var (tokens, steps, loss) = (0L, 0, double.NaN);
        return train(step =>
        {
            tokens += step.Tokens;
            steps++;
            loss = double.IsNaN(loss) ? step.Loss : Smoothing * loss + (1 - Smoothing) * step.Loss;
            var seconds = Math.Max(step.Elapsed.TotalSeconds, 1e-3);
            var left = TimeSpan.FromSeconds(seconds / steps * (step.Steps - step.Step));
            show(step.Step, step.Steps, FormattableString.Invariant(
                $"step {step.Step}/{step.Steps}  loss {loss:F3}  {tokens / seconds:F0} tokens/s  {left:h\\:mm\\:ss} left"));
        });
    });
}
