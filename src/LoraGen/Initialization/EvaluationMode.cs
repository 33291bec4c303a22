using static TorchSharp.torch;

namespace LoraGen;

/// <summary>Puts a model into evaluation mode, and on disposal each of its modules back into its own.</summary>
internal sealed class EvaluationMode : IDisposable
{
    private readonly List<(nn.Module Module, bool WasTraining)> _modes;

    public EvaluationMode(nn.Module model)
    {
        _modes = [.. new[] { model }.Concat(model.modules()).Select(module => (module, module.training))];
        model.eval();
    }

    // Each sets its children's too, which come after it.
    public void Dispose() => _modes.ForEach(item => item.Module.train(item.WasTraining));
}
