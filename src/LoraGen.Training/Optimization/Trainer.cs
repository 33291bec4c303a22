using System.Diagnostics;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Training.Optimization;

/// <summary>AdamW over fp32 weights with warm-up, cosine decay and gradient clipping.</summary>
public sealed class Trainer : IDisposable
{
    private readonly TrainingOptions _options;
    private readonly MasterWeights _weights;
    private readonly AdamW _optimizer;

    /// <summary>Prepares to train the given parameters, and nothing else.</summary>
    public Trainer(IEnumerable<Parameter> trainable, TrainingOptions options)
    {
        _options = options;
        _weights = new MasterWeights(trainable);

        // Norm gains are vectors around 1; decaying them towards 0 would only shrink the signal.
        var matrices = _weights.Masters.Where(weight => weight.dim() > 1).ToList();
        var vectors = _weights.Masters.Where(weight => weight.dim() <= 1).ToList();
        var groups = new List<AdamW.ParamGroup>();
        Add(matrices, options.WeightDecay);
        Add(vectors, 0);
        _optimizer = optim.AdamW(groups, lr: options.LearningRate, beta1: 0.9, beta2: 0.95, weight_decay: options.WeightDecay);

        void Add(List<Parameter> weights, double decay)
        {
            if (weights.Count > 0)
            {
                groups.Add(new AdamW.ParamGroup(weights, new AdamW.Options { LearningRate = options.LearningRate, beta1 = 0.9, beta2 = 0.95, weight_decay = decay }));
            }
        }
    }

    /// <summary>Steps done so far.</summary>
    public int Step { get; private set; }

    /// <summary>Trains until all steps are done or the token is cancelled; every step that was begun is finished.</summary>
    /// <param name="batches">One batch a step.</param>
    /// <param name="loss">The mean loss of a batch, and the number of tokens in it.</param>
    /// <param name="progress">Called after every step.</param>
    /// <param name="cancellation">Stops after the current step.</param>
    /// <returns>Whether all steps were done.</returns>
    /// <exception cref="LoraException">The loss is not finite, or no gradient reached any trainable parameter.</exception>
    public bool Run<TBatch>(
        IEnumerable<TBatch> batches, Func<TBatch, (Tensor Loss, int Tokens)> loss, Action<TrainingStep> progress, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        foreach (var batch in batches)
        {
            if (Step >= _options.Steps || cancellation.IsCancellationRequested)
            {
                break;
            }

            var (value, tokens) = Update(batch, loss);
            Step++;
            progress(new TrainingStep(Step, _options.Steps, value, tokens, clock.Elapsed));
        }

        return Step >= _options.Steps;
    }

    private (double Loss, int Tokens) Update<TBatch>(TBatch batch, Func<TBatch, (Tensor Loss, int Tokens)> loss)
    {
        using var scope = NewDisposeScope();
        foreach (var group in _optimizer.ParamGroups)
        {
            group.LearningRate = _options.LearningRateAt(Step);
        }

        _optimizer.zero_grad();
        var (mean, tokens) = loss(batch);
        var value = mean.item<float>();
        if (!float.IsFinite(value))
        {
            throw new LoraException($"Step {Step + 1}: the loss is {value}. Lower the learning rate, or look for NaN in the weights or the data.");
        }

        mean.backward();
        _weights.TakeGradients();
        var norm = nn.utils.clip_grad_norm_(_weights.Masters, _options.MaxGradientNorm);
        if (norm == 0 && Step == 0)
        {
            throw new LoraException("No gradient reached any trainable parameter: is the adapter active, and is the loss a function of it?");
        }

        _optimizer.step();
        _weights.WriteBack();
        return (value, tokens);
    }

    /// <summary>Writes fp32 weights, optimizer state and step count, so that <see cref="Restore"/> continues exactly here.</summary>
    public void Save(string folder) => RunCheckpoint.Save(folder, _optimizer, Step);

    /// <summary>Continues a run that <see cref="Save"/> left.</summary>
    /// <exception cref="LoraException">The checkpoint is incomplete or of another model.</exception>
    public void Restore(string folder)
    {
        Step = RunCheckpoint.Restore(folder, _optimizer);
        _weights.WriteBack();
    }

    /// <summary>Frees the optimizer's state and the fp32 twins.</summary>
    public void Dispose()
    {
        _optimizer.Dispose();
        _weights.Dispose();
    }
}
