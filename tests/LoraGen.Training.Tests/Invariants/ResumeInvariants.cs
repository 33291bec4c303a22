using LoraGen.Training.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Training.Tests.Invariants;

/// <summary>What torchtune's tests hold of recipes that are resumed (tests/recipes/test_lora_finetune_single_device.py).</summary>
public sealed class ResumeInvariants : IDisposable
{
    private static readonly TrainingOptions Options = new() { Steps = 12, LearningRate = 0.02, WarmupSteps = 3, WeightDecay = 0.05 };

    private readonly string _folder = Directory.CreateTempSubdirectory("loragen-resume").FullName;
    private readonly IDisposable _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    // What resumes has only the base's weights and the checkpoint: a model and an adapter made anew, whose own start is another.
    [Theory]
    [InlineData(ScalarType.Float32, false)]
    [InlineData(ScalarType.Float32, true)]
    [InlineData(ScalarType.BFloat16, false)]
    [InlineData(ScalarType.BFloat16, true)]
    public void I41_A_run_resumed_from_its_checkpoint_equals_the_uninterrupted_one(ScalarType dtype, bool useDora)
    {
        using var model = new Regression(dtype);
        using var whole = Adapter(model, seed: 1, useDora);
        var uninterrupted = Train(model, whole, stopAfter: Options.Steps);

        using var broken = Adapter(model, seed: 1, useDora);
        var before = Train(model, broken, stopAfter: 5);

        using var fresh = new Regression(dtype);
        fresh.load_state_dict(model.state_dict());
        using var resumed = Adapter(fresh, seed: 2, useDora);
        var after = Train(fresh, resumed, stopAfter: Options.Steps, restore: true);

        Assert.Equal(Options.Steps, uninterrupted.Distinct().Count());
        Assert.Equal(uninterrupted, [.. before, .. after]);
        foreach (var (expected, found) in whole.parameters().Zip(resumed.parameters()))
            Assert.Equal(expected.bytes.ToArray(), found.bytes.ToArray());
    }

    private static Regression.Adapter Adapter(Regression model, ulong seed, bool useDora)
    {
        using var generator = new Generator(seed, CPU);
        return model.CreateAdapter(new LoraConfig { UseDora = useDora }, generator);
    }

    /// <summary>The losses of the steps; leaves a checkpoint.</summary>
    private List<double> Train(Regression model, Regression.Adapter adapter, int stopAfter, bool restore = false)
    {
        var losses = new List<double>();
        using var stop = new CancellationTokenSource();
        using var trainer = new Trainer(adapter.parameters(), Options);
        if (restore)
            trainer.Restore(_folder);
        model.ActiveAdapter = adapter;
        trainer.Run(
            Enumerable.Range(trainer.Step, Options.Steps),
            batch => ((model.call(Numbers(batch).to_type(model.get_parameter("up.weight")!.dtype)) - Numbers(batch + 100)).square().mean(), 4),
            step =>
            {
                losses.Add(step.Loss);
                if (step.Step == stopAfter)
                    stop.Cancel();
            },
            stop.Token);
        trainer.Save(_folder);
        return losses;
    }

    private static Tensor Numbers(int seed)
    {
        using var generator = new Generator((ulong)seed, CPU);
        return randn([4, Regression.Width], generator: generator);
    }
}
