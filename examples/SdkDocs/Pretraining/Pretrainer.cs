using System.Diagnostics;
using LoraGen.Training;
using LoraGen.Training.Data;
using LoraGen.Training.Optimization;
using LoraGen.Transformers.Llama;
using SdkDocs.Data;
using SdkDocs.Model;
using SdkDocs.Output;
using TorchSharp;
using static TorchSharp.torch;

namespace SdkDocs.Pretraining;

/// <summary>
/// Makes the base from nothing: a vocabulary and a Llama trained on the documentation of Microsoft.NETCore.App alone. A run that was
/// interrupted goes on where its last checkpoint left it.
/// </summary>
internal sealed class Pretrainer(PretrainOptions options)
{
    private const int StepsPerCheckpoint = 200;

    // One overload group in a hundred is never trained on: its loss tells fluency from memory.
    private const int HeldOutOneIn = 100;

    public void Run(CancellationToken cancellation)
    {
        var (train, heldOut) = Split(DocCorpus.Read(options.Packs).Core);
        if (!File.Exists(Path.Combine(options.Out, "tokenizer.json")))
        {
            DocTokenizer.Train(train, BaseModel.VocabularySize, options.Out);
        }

        var tokenizer = DocTokenizer.Read(options.Out);
        var text = new PretrainingText(train, tokenizer, options.Seed);
        var heldOutExamples = Examples(heldOut, tokenizer);
        Console.WriteLine($"{train.Count} members, {text.BatchesPerEpoch} steps an epoch; {heldOutExamples.Count} members held out; a member of more than {BaseModel.MaxTokens} tokens is left out ({train.Count - Examples(train, tokenizer).Count} of them).");

        using var model = new LlamaForCausalLM(BaseModel.Config);
        model.Initialize(new Generator((ulong)options.Seed));
        model.to(ScalarType.BFloat16);

        var steps = options.Epochs * text.BatchesPerEpoch;
        using var trainer = new Trainer(model.parameters(), new TrainingOptions { Steps = steps, LearningRate = 2e-3, WarmupSteps = 200, WeightDecay = 0.1 });
        if (File.Exists(Path.Combine(options.State, "run.safetensors")))
        {
            trainer.Restore(options.State);
            Console.WriteLine($"Going on after step {trainer.Step}.");
        }

        var log = new PretrainLog(Path.Combine(options.Out, "pretrain-log.csv"), trainer.Step, options.Command);
        Train(model, trainer, text, heldOutExamples, log, tokenizer.EndId, cancellation);
        model.Save(options.Out);
        trainer.Save(options.State);
        cancellation.ThrowIfCancellationRequested();
    }

    private void Train(
        LlamaForCausalLM model, Trainer trainer, PretrainingText text, List<TokenExample> heldOut, PretrainLog log, int paddingId, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var (tokens, lossSum, lossCount) = (log.Last.Tokens, 0.0, 0);
        TrainingProgress.Show("pretrain", report => trainer.Run(
            text.Batches(trainer.Step),
            examples => Loss(model, examples, paddingId),
            step =>
            {
                report(step);
                tokens += step.Tokens;
                lossSum += step.Loss;
                lossCount++;
                if (step.Step % StepsPerCheckpoint == 0 || step.Step == step.Steps || cancellation.IsCancellationRequested)
                {
                    log.Append(step.Step, tokens, log.Last.Minutes + clock.Elapsed.TotalMinutes, lossSum / lossCount, HeldOutLoss(model, heldOut, paddingId));
                    trainer.Save(options.State);
                    (lossSum, lossCount) = (0, 0);
                }
            },
            cancellation));
    }

    private static (Tensor Loss, int Tokens) Loss(LlamaForCausalLM model, IReadOnlyList<TokenExample> examples, int paddingId)
    {
        using var batch = TokenBatch.Of(examples, paddingId);
        using var hidden = model.Hidden(batch.Ids);
        return (CausalLmLoss.Compute(hidden, model.Logits, batch.Labels), batch.TokenCount);
    }

    private static double HeldOutLoss(LlamaForCausalLM model, List<TokenExample> heldOut, int paddingId)
    {
        using var inference = no_grad();
        using var scope = NewDisposeScope();
        var (sum, count) = (0.0, 0);
        foreach (var examples in new BatchSampler(heldOut, PretrainingText.TokensPerBatch, seed: 0).Epoch(0))
        {
            var (loss, tokens) = Loss(model, examples, paddingId);
            sum += loss.item<float>() * tokens;
            count += tokens;
        }

        return sum / count;
    }

    private static (List<DocMember> Train, List<DocMember> HeldOut) Split(IReadOnlyList<DocMember> members)
    {
        var groups = members.GroupBy(member => member.OverloadGroup).ToList();
        return (
            [.. groups.Where((_, i) => i % HeldOutOneIn != 0).SelectMany(group => group)],
            [.. groups.Where((_, i) => i % HeldOutOneIn == 0).SelectMany(group => group)]);
    }

    private static List<TokenExample> Examples(List<DocMember> members, DocTokenizer tokenizer)
        => [.. members.Select(member => tokenizer.Example(member, learnSignature: true)).Where(example => example.Tokens.Length <= BaseModel.MaxTokens)];
}
