namespace LoraGen.Training.Optimization;

/// <summary>Hyperparameters of a run.</summary>
public sealed record TrainingOptions
{
    /// <summary>Optimizer steps in all.</summary>
    public required int Steps { get; init; }

    /// <summary>Peak learning rate of AdamW.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Steps of linear warm-up from 0 to the peak; afterwards a cosine falls to a tenth of it.</summary>
    public int WarmupSteps { get; init; }

    /// <summary>Decoupled weight decay, on matrices only.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Largest gradient norm; a longer gradient is shortened to it.</summary>
    public double MaxGradientNorm { get; init; } = 1;

    /// <summary>Learning rate of a step, counted from 0.</summary>
    public double LearningRateAt(int step)
    {
        if (step < WarmupSteps)
        {
            return LearningRate * (step + 1) / WarmupSteps;
        }

        var done = (double)(step - WarmupSteps) / Math.Max(1, Steps - WarmupSteps);
        return LearningRate * (0.1 + 0.45 * (1 + Math.Cos(Math.PI * Math.Min(1, done))));
    }
}
