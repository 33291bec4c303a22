using LoraGen.Merging;
using TorchSharp;

namespace LoraGen;

/// <summary>See <see cref="LoraDisabling.DisableAdapter"/>.</summary>
internal sealed class DisabledScope<TAdapter> : IDisposable
    where TAdapter : LoraAdapter
{
    private readonly ILoraModel<TAdapter> _model;
    private readonly bool _wasMerged;
    private readonly IReadOnlyList<Action> _attachAgain;
    private readonly List<MergedWeights> _suspended = [];
    private bool _hasEnded;

    private DisabledScope(ILoraModel<TAdapter> model)
    {
        (_model, _wasMerged) = (model, model.MergedAdapter is not null);
        _attachAgain = AttachedParts.Replaced(() => model.Attach(null));
    }

    public static DisabledScope<TAdapter> Begin(ILoraModel<TAdapter> model)
    {
        var merges = MergedWeights.In((torch.nn.Module)model);
        var scope = new DisabledScope<TAdapter>(model);
        try
        {
            foreach (var merge in merges.Where(merge => !merge.IsSuspended))
            {
                merge.Suspend();
                scope._suspended.Add(merge);
            }

            return scope;
        }
        catch
        {
            scope.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (_hasEnded)
        {
            return;
        }

        _hasEnded = true;
        if (!_wasMerged && _model.MergedAdapter is not null)
        {
            _model.Unmerge();
        }

        foreach (var attach in _attachAgain)
        {
            attach();
        }

        foreach (var merge in _suspended)
        {
            merge.Resume();
        }
    }
}
