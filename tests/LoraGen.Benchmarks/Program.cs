using System.CommandLine;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Engines;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using LoraGen.Benchmarks;
using LoraGen.Benchmarks.Ratios;

// What takes microseconds and means something only beside something else is timed in turns, with a timer of our own.
if (args is ["ratios" or "memory", ..])
{
    return new RootCommand("What LoraGen costs at run time.") { RatioCommand.Create(), MemoryCommand.Create() }.Parse(args).Invoke();
}

if (args is ["--help" or "-h" or "-?"])
{
    Console.WriteLine("`ratios --help` and `memory --help` say how to measure LoRA at run time. What follows is about the generator and about loading.\n");
}

// Each case runs a few times, once a time, and in this process: it ends in minutes, and no project is restored and built for each case.
var job = Job.Default
    .WithToolchain(InProcessEmitToolchain.Instance)
    .WithStrategy(RunStrategy.Monitoring)
    .WithInvocationCount(1)
    .WithUnrollFactor(1)
    .WithWarmupCount(2)
    .WithIterationCount(5);
var columns = DefaultConfig.Instance.AddJob(job).AddColumn(StatisticColumn.Median, StatisticColumn.Min);
BenchmarkSwitcher.FromAssembly(typeof(GenerationBenchmarks).Assembly).Run(args, columns);
return 0;
