using LoraGen.Benchmarks.Models;
using LoraGen.Transformers.Gpt2;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Benchmarks.Ratios;

/// <summary>Whole training steps of a GPT-2 with AdamW: of all its parameters, or of an adapter's.</summary>
internal sealed class TrainingRun : IDisposable
{
    private const int Batch = 2, Length = 128;

    private readonly Gpt2LMHeadModel _model;
    private readonly Gpt2LMHeadModel.Adapter? _adapter;
    private readonly IReadOnlyList<Parameter> _trained;
    private readonly AdamW _optimizer;
    private readonly Tensor _ids;

    private TrainingRun(Gpt2LMHeadModel model, Gpt2LMHeadModel.Adapter? adapter)
    {
        (_model, _adapter, _trained) = (model, adapter, [.. (adapter is null ? (nn.Module)model : adapter).parameters()]);
        _optimizer = optim.AdamW(_trained, lr: 1e-4, weight_decay: 0.01);
        _ids = randint(0, SmallGpt2.Vocabulary, [Batch, Length + 1], device: model.Device);
    }

    public static string Size => $"{Batch * Length} tokens";

    /// <summary>Trains the base itself.</summary>
    public static TrainingRun Full(Gpt2LMHeadModel model) => new(model, adapter: null);

    /// <summary>Trains an adapter; several may have one base.</summary>
    public static TrainingRun Lora(Gpt2LMHeadModel model, LoraConfig? config = null) => new(model, model.CreateAdapter(config));

    /// <summary>Forward, backward and one step of the optimizer.</summary>
    public void Step()
    {
        using var scope = NewDisposeScope();
        _model.ActiveAdapter = _adapter;
        _optimizer.zero_grad();
        var logits = _model.call(_ids.narrow(1, 0, Length)).view(-1, SmallGpt2.Vocabulary);
        nn.functional.cross_entropy(logits.to(float32), _ids.narrow(1, 1, Length).reshape(-1)).backward();
        _optimizer.step();
    }

    /// <summary>Bytes of the gradients that the last step left and of AdamW's two moments for each trained number.</summary>
    public long StateBytes()
    {
        using var scope = NewDisposeScope();
        var gradients = _trained.Select(parameter => parameter.grad).OfType<Tensor>().Sum(Bytes);
        return gradients + (2 * _trained.Sum(Bytes));

        static long Bytes(Tensor tensor) => tensor.numel() * tensor.ElementSize;
    }

    public void Dispose()
    {
        _ids.Dispose();
        _optimizer.Dispose();
        _adapter?.Dispose();
    }
}
