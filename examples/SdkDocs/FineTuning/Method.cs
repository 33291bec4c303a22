using System.Diagnostics;
using LoraGen;
using LoraGen.Training;
using LoraGen.Training.Data;
using LoraGen.Training.Optimization;
using LoraGen.Transformers.Llama;
using SdkDocs.Output;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SdkDocs.FineTuning;

/// <summary>Trains some parameters of a model on the task and judges the result; base, LoRA and full fine-tuning differ only in which.</summary>
internal sealed class Method(DocTask task, Judge judge, FineTuneOptions options, Device device)
{
    private const int TokensPerBatch = 2048;

    /// <summary>Trains and judges.</summary>
    /// <param name="name">Name in the table.</param>
    /// <param name="model">The model, with the adapter to train active.</param>
    /// <param name="trainable">What to train; nothing for the base.</param>
    /// <param name="learningRate">Peak learning rate.</param>
    /// <param name="save">Writes what was trained and returns its size in bytes; called after an interruption too.</param>
    /// <param name="cancellation">Stops the training after a step.</param>
    /// <exception cref="OperationCanceledException">The training was stopped; what it had learnt is saved.</exception>
    public MethodResult Run(
        string name, LlamaForCausalLM model, IReadOnlyList<Parameter> trainable, double learningRate, Func<long> save, CancellationToken cancellation)
    {
        using var memory = new PeakMemory();
        var clock = Stopwatch.StartNew();
        if (trainable.Count > 0)
        {
            Train(name, model, trainable, learningRate, cancellation);
        }

        var seconds = trainable.Count > 0 ? clock.Elapsed.TotalSeconds : 0;
        var savedBytes = save();
        cancellation.ThrowIfCancellationRequested();

        model.ActiveAdapter?.Freeze(); // Nothing steps it from here on.
        var loss = judge.Loss(model, cancellation);
        var summaries = judge.Summaries(name, model, cancellation);
        var (bleu, exactMatch) = judge.Score(summaries);
        return new MethodResult
        {
            Name = name,
            TrainableParameters = trainable.Sum(parameter => parameter.NumberOfElements),
            SavedBytes = savedBytes,
            HeldOutLoss = loss,
            Bleu = bleu,
            ExactMatch = exactMatch,
            Seconds = seconds,
            PeakBytes = memory.Bytes,
            Summaries = summaries,
        };
    }

    private void Train(string name, LlamaForCausalLM model, IReadOnlyList<Parameter> trainable, double learningRate, CancellationToken cancellation)
    {
        var training = new TrainingOptions { Steps = options.Steps, LearningRate = learningRate, WarmupSteps = options.Steps / 20 };
        using var trainer = new Trainer(trainable, training);
        TrainingProgress.Show(name, report => trainer.Run(
            new BatchSampler(task.Train, TokensPerBatch, options.Seed).Batches(),
            examples =>
            {
                using var batch = TokenBatch.Of(examples, task.Tokenizer.EndId, device);
                using var hidden = model.Hidden(batch.Ids);
                return (CausalLmLoss.Compute(hidden, model.Logits, batch.Labels), batch.TokenCount);
            },
            report,
            cancellation));
    }
}
