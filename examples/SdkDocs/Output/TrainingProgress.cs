using LoraGen.Training.Optimization;
using Spectre.Console;

namespace SdkDocs.Output;

/// <summary>Shows a training run: a live bar on a terminal, a plain line every few seconds where output is redirected.</summary>
internal static class TrainingProgress
{
    private static readonly TimeSpan PlainInterval = TimeSpan.FromSeconds(10);

    /// <summary>Runs <paramref name="train"/>, which reports each of its steps to the callback it is given.</summary>
    public static T Show<T>(string title, Func<Action<TrainingStep>, T> train)
    {
        var rate = new Rate();
        return Console.IsOutputRedirected ? Plain(title, train, rate) : Live(title, train, rate);
    }

    private static T Live<T>(string title, Func<Action<TrainingStep>, T> train, Rate rate)
        => Terminal.Console.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn())
            .Start(context =>
            {
                var task = context.AddTask(Markup.Escape(title));
                return train(step =>
                {
                    task.MaxValue = step.Steps;
                    task.Value = step.Step;
                    task.Description = Markup.Escape($"{title}  {rate.Describe(step)}");
                });
            });

    private static T Plain<T>(string title, Func<Action<TrainingStep>, T> train, Rate rate)
    {
        var due = PlainInterval;
        return train(step =>
        {
            var line = rate.Describe(step);
            if (step.Elapsed >= due || step.Step == step.Steps)
            {
                due = step.Elapsed + PlainInterval;
                Console.WriteLine($"{title}  {line}");
            }
        });
    }

    /// <summary>Tokens a second and time left since this process began to train; a resumed run does not count what was done before.</summary>
    private sealed class Rate
    {
        private const double Smoothing = 0.95;

        private long _tokens;
        private int _steps;
        private double? _loss;

        public string Describe(TrainingStep step)
        {
            _tokens += step.Tokens;
            _steps++;
            _loss = _loss is { } loss ? Smoothing * loss + (1 - Smoothing) * step.Loss : step.Loss;
            var seconds = Math.Max(step.Elapsed.TotalSeconds, 1e-3);
            var left = TimeSpan.FromSeconds(seconds / _steps * (step.Steps - step.Step));
            return $"step {step.Step}/{step.Steps}  loss {_loss:F3}  {_tokens / seconds:F0} tokens/s  {left:h\\:mm\\:ss} left";
        }
    }
}
