using System.Diagnostics;
using Spectre.Console;

namespace SdkDocs.Output;

/// <summary>Shows how far something has come: a live bar on a terminal, a plain line every ten seconds where output is redirected.</summary>
internal static class ProgressDisplay
{
    private static readonly TimeSpan PlainInterval = TimeSpan.FromSeconds(10);

    /// <summary>Runs <paramref name="work"/>, which reports what is done, how much there is, and a detail in words.</summary>
    public static T Show<T>(string title, Func<Action<int, int, string>, T> work)
        => Console.IsOutputRedirected ? Plain(title, work) : Live(title, work);

    private static T Live<T>(string title, Func<Action<int, int, string>, T> work)
        => Terminal.Console.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn())
            .Start(context =>
            {
                var task = context.AddTask(Markup.Escape(title));
                return work((done, total, detail) =>
                {
                    task.MaxValue = total;
                    task.Value = done;
                    task.Description = Markup.Escape($"{title}  {detail}");
                });
            });

    private static T Plain<T>(string title, Func<Action<int, int, string>, T> work)
    {
        var clock = Stopwatch.StartNew();
        var due = PlainInterval;
        return work((done, total, detail) =>
        {
            if (clock.Elapsed >= due || done == total)
            {
                due = clock.Elapsed + PlainInterval;
                Console.WriteLine($"{title}  {detail}");
            }
        });
    }
}
