using System.CommandLine;
using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Benchmarks.Ratios;

/// <summary><c>ratios</c>: what LoRA costs at run time, each time beside what it is compared with.</summary>
internal static class RatioCommand
{
    public static Command Create()
    {
        var names = new Argument<string[]>("suites") { Description = $"Which to run; all where none is named: {string.Join(", ", Suite.All.Select(suite => suite.Name))}." };
        names.AcceptOnlyFromAmong([.. Suite.All.Select(suite => suite.Name)]);
        var on = new Option<string>("--device") { Description = "cpu, cuda or cuda:1.", DefaultValueFactory = _ => "cpu" };
        var threads = new Option<int?>("--threads") { Description = "Threads of one operation; libtorch's own number where it is not given." };
        var seconds = new Option<double>("--seconds") { Description = "For each pair, but for those of which five rounds take longer.", DefaultValueFactory = _ => 2 };
        var list = new Option<bool>("--list") { Description = "Say what there is, and run nothing." };
        var command = new Command("ratios", "Time LoRA beside what it is compared with, and write one Markdown table for each suite.") { names, on, threads, seconds, list };
        command.SetAction(parse =>
        {
            var chosen = Suite.All.Where(suite => parse.GetValue(names) is not { Length: > 0 } asked || asked.Contains(suite.Name));
            if (parse.GetValue(list))
            {
                Console.WriteLine(string.Join('\n', chosen.Select(suite => $"{suite.Name,-10} {suite.Question}")));
                return;
            }

            if (parse.GetValue(threads) is { } count)
            {
                set_num_threads(count);
            }

            Run(chosen, device(parse.GetValue(on)!), TimeSpan.FromSeconds(parse.GetValue(seconds)));
        });
        return command;
    }

    private static void Run(IEnumerable<Suite> suites, Device device, TimeSpan perPair)
    {
        random.manual_seed(1);
        var timer = new PairTimer(device, perPair);
        var clock = Stopwatch.StartNew();
        Console.WriteLine($"On {device}, with {get_num_threads()} of {Environment.ProcessorCount} cores, .NET {Environment.Version} and libtorch {__version__}:");
        foreach (var suite in suites)
        {
            Console.WriteLine($"\n**{suite.Name}.** {suite.Question}\n\n{string.Join('\n', RatioTable.Head)}");
            foreach (var pair in suite.Pairs(device))
            {
                var progress = $"{clock.Elapsed:mm\\:ss} {pair.Variant.Name}";
                Console.Error.Write(progress);
                var measured = timer.Measure(pair);
                Console.Error.Write($"\r{new string(' ', progress.Length)}\r");
                Console.WriteLine(RatioTable.Row(pair, measured));
            }
        }

        Console.Error.WriteLine($"{clock.Elapsed:mm\\:ss} in all");
    }
}
