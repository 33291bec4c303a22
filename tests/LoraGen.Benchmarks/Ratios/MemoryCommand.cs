using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using LoraGen.Benchmarks.Models;
using static TorchSharp.torch;

namespace LoraGen.Benchmarks.Ratios;

/// <summary>
/// <c>memory</c>: what training takes beside the weights. Each way has a process of its own, since memory that one has freed would be there for the next.
/// </summary>
internal static class MemoryCommand
{
    private const int Steps = 3;
    private const double MiB = 1 << 20;

    private static readonly IReadOnlyDictionary<string, Func<TrainingRun>> Ways = new Dictionary<string, Func<TrainingRun>>
    {
        ["full"] = () => TrainingRun.Full(SmallGpt2.Create(CPU)),
        ["lora"] = () => TrainingRun.Lora(SmallGpt2.Create(CPU)),
        ["lora-all"] = () => TrainingRun.Lora(SmallGpt2.Create(CPU), TrainingPairs.AllLinear),
        ["dora-all"] = () => TrainingRun.Lora(SmallGpt2.Create(CPU), TrainingPairs.AllLinear with { UseDora = true }),
        ["lora-bf16"] = () => TrainingRun.Lora(SmallGpt2.Create(CPU, ScalarType.BFloat16)),
    };

    public static Command Create()
    {
        var way = new Argument<string?>("way") { Description = $"One of {string.Join(", ", Ways.Keys)}; all where it is left out.", Arity = ArgumentArity.ZeroOrOne };
        way.AcceptOnlyFromAmong([.. Ways.Keys]);
        var command = new Command("memory", $"Train GPT-2 small for {Steps} steps on the CPU, and write what each way of training takes beside the weights.") { way };
        command.SetAction(parse =>
        {
            if (parse.GetValue(way) is { } one)
            {
                Measure(one);
                return;
            }

            Console.WriteLine($"| Training, {TrainingRun.Size} a step | Gradients and AdamW's moments | Peak of the process, less what it was before the model |\n| --- | --- | --- |");
            foreach (var name in Ways.Keys)
            {
                using var process = Process.Start(Environment.ProcessPath!, ["memory", name]);
                process.WaitForExit();
            }
        });
        return command;
    }

    private static void Measure(string way)
    {
        zeros(1).Dispose(); // libtorch itself is in memory now.
        var before = Environment.WorkingSet;
        using var run = Ways[way]();
        for (var i = 0; i < Steps; i++)
        {
            run.Step();
        }

        using var process = Process.GetCurrentProcess();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {way} | {run.StateBytes() / MiB:0.0} MiB | {(process.PeakWorkingSet64 - before) / MiB:0} MiB |"));
    }
}
