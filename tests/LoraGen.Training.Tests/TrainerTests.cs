using LoraGen.Training.Optimization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Training.Tests;

/// <summary>The training loop on one small quadratic, (w - target)², whose gradient is known.</summary>
public sealed class TrainerTests : IDisposable
{
    private static readonly float[] Start = [0.5f, -1f, 2f, 0.25f];
    private static readonly float[] Target = [1f, 1f, -1f, 0f];

    private readonly string _folder = Directory.CreateTempSubdirectory("loragen-trainer").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void It_follows_AdamW_with_clipping_warm_up_and_decay()
    {
        var options = new TrainingOptions { Steps = 20, LearningRate = 0.1, WarmupSteps = 4, WeightDecay = 0.05, MaxGradientNorm = 0.5 };
        using var weight = Weight(ScalarType.Float32);
        using var trainer = new Trainer([weight], options);
        Run(trainer, weight);

        Assert.Equal(ReferenceAdamW(options), weight.data<float>().ToArray().Select(value => (double)value), Within(1e-5));
    }

    // Loshchilov and Hutter 2019, algorithm 2, in float64.
    private static double[] ReferenceAdamW(TrainingOptions options)
    {
        var (w, m, v) = (Start.Select(value => (double)value).ToArray(), new double[4], new double[4]);
        for (var step = 0; step < options.Steps; step++)
        {
            var gradient = w.Select((value, i) => 2 * (value - Target[i])).ToArray();
            var norm = Math.Sqrt(gradient.Sum(g => g * g));
            var clip = Math.Min(1, options.MaxGradientNorm / (norm + 1e-6));
            var rate = options.LearningRateAt(step);
            for (var i = 0; i < w.Length; i++)
            {
                var g = gradient[i] * clip;
                m[i] = 0.9 * m[i] + 0.1 * g;
                v[i] = 0.95 * v[i] + 0.05 * g * g;
                var (mHat, vHat) = (m[i] / (1 - Math.Pow(0.9, step + 1)), v[i] / (1 - Math.Pow(0.95, step + 1)));
                w[i] -= rate * options.WeightDecay * w[i];
                w[i] -= rate * mHat / (Math.Sqrt(vHat) + 1e-8);
            }
        }

        return w;
    }

    [Fact]
    public void The_learning_rate_rises_linearly_and_falls_to_a_tenth()
    {
        var options = new TrainingOptions { Steps = 110, LearningRate = 1, WarmupSteps = 10 };
        Assert.Equal(0.1, options.LearningRateAt(0), 12);
        Assert.Equal(1, options.LearningRateAt(9), 12);
        Assert.Equal(1, options.LearningRateAt(10), 12);
        Assert.Equal(0.55, options.LearningRateAt(60), 12);
        Assert.Equal(0.1, options.LearningRateAt(110), 12);
    }

    [Fact]
    public void A_bf16_weight_moves_by_steps_that_bf16_alone_would_round_away()
    {
        // One step of 1e-4 is less than half of bf16's spacing at 1 (2^-7): without fp32 twins the weight would stay 1 for ever.
        using var weight = new Parameter(ones(2, 2, dtype: ScalarType.BFloat16));
        using var trainer = new Trainer([weight], new TrainingOptions { Steps = 200, LearningRate = 1e-4, MaxGradientNorm = 1e9 });
        trainer.Run(Enumerable.Repeat(0, 200), _ => (weight.to_type(ScalarType.Float32).sum(), 1), _ => { }, TestContext.Current.CancellationToken);
        Assert.All(weight.to_type(ScalarType.Float32).data<float>().ToArray(), value => Assert.InRange(value, 0.975f, 0.995f));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void A_resumed_run_ends_with_the_bits_of_the_uninterrupted_one(ScalarType dtype)
    {
        var options = new TrainingOptions { Steps = 20, LearningRate = 0.1, WarmupSteps = 4, WeightDecay = 0.05 };
        using var whole = Weight(dtype);
        using (var trainer = new Trainer([whole], options))
        {
            Run(trainer, whole);
        }

        using var first = Weight(dtype);
        using (var trainer = new Trainer([first], options))
        {
            using var stop = new CancellationTokenSource();
            Assert.False(Run(trainer, first, step => { if (step.Step == 7) { stop.Cancel(); } }, stop));
            Assert.Equal(7, trainer.Step);
            trainer.Save(_folder);
        }

        using var second = Weight(dtype);
        using (var trainer = new Trainer([second], options))
        {
            trainer.Restore(_folder);
            Assert.Equal(7, trainer.Step);
            Assert.True(Run(trainer, second));
        }

        Assert.Equal(whole.bytes.ToArray(), second.bytes.ToArray());
    }

    [Fact]
    public void A_checkpoint_of_another_model_is_refused_by_name_and_shape()
    {
        using var small = Weight(ScalarType.Float32);
        using var trainer = new Trainer([small], new TrainingOptions { Steps = 1, LearningRate = 0.1 });
        Run(trainer, small);
        trainer.Save(_folder);

        using var large = new Parameter(zeros(3, 3));
        using var other = new Trainer([large], new TrainingOptions { Steps = 1, LearningRate = 0.1 });
        var error = Assert.Throws<LoraException>(() => other.Restore(_folder));
        Assert.Contains("run.safetensors: 0.weight: expected shape [3, 3], found [2, 2]", error.Message);
    }

    [Fact]
    public void A_loss_that_is_not_finite_stops_the_run()
    {
        using var weight = Weight(ScalarType.Float32);
        using var trainer = new Trainer([weight], new TrainingOptions { Steps = 5, LearningRate = 0.1 });
        var error = Assert.Throws<LoraException>(() => trainer.Run(Enumerable.Repeat(0, 5), _ => (weight.sum() / 0f * 0f, 1), _ => { }, TestContext.Current.CancellationToken));
        Assert.Contains("Step 1: the loss is NaN", error.Message);
    }

    [Fact]
    public void A_loss_that_does_not_depend_on_the_weights_is_an_error()
    {
        using var trained = Weight(ScalarType.Float32);
        using var unrelated = Weight(ScalarType.Float32);
        using var trainer = new Trainer([trained], new TrainingOptions { Steps = 5, LearningRate = 0.1 });
        var error = Assert.Throws<LoraException>(() => trainer.Run(Enumerable.Repeat(0, 5), _ => (unrelated.sum(), 1), _ => { }, TestContext.Current.CancellationToken));
        Assert.Contains("No gradient reached any trainable parameter", error.Message);
    }

    [Fact]
    public void A_thousand_steps_leave_no_tensor_behind()
    {
        using var weight = Weight(ScalarType.BFloat16);
        using var trainer = new Trainer([weight], new TrainingOptions { Steps = 1100, LearningRate = 1e-3 });
        var live = new List<long>();
        Run(trainer, weight, step => { if (step.Step % 100 == 0) { live.Add(DisposeScopeManager.Statistics.ThreadTotalLiveCount); } });
        Assert.All(live, count => Assert.Equal(live[0], count));
    }

    private static Parameter Weight(ScalarType dtype) => new(tensor(Start, [2, 2]).to_type(dtype));

    private static bool Run(Trainer trainer, Parameter weight, Action<TrainingStep>? progress = null, CancellationTokenSource? stop = null)
        => trainer.Run(
            Enumerable.Repeat(0, 10_000),
            _ => ((weight.to_type(ScalarType.Float32) - tensor(Target, [2, 2])).square().sum(), 1),
            progress ?? (_ => { }),
            stop?.Token ?? TestContext.Current.CancellationToken);

    private static EqualityComparer<double> Within(double tolerance)
        => EqualityComparer<double>.Create((left, right) => Math.Abs(left - right) <= tolerance);
}
