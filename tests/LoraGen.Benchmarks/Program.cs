using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using LoraGen.Benchmarks;
using Perfolizer.Horology;

// Few iterations, and in this process: it ends in minutes, and no project is restored and built for each case.
var job = Job.ShortRun
    .WithToolchain(new InProcessEmitToolchain(new()))
    .WithWarmupCount(2)
    .WithIterationCount(5)
    .WithIterationTime(TimeInterval.FromMilliseconds(400));
BenchmarkSwitcher.FromAssembly(typeof(GenerationBenchmarks).Assembly).Run(args, DefaultConfig.Instance.AddJob(job));
