using LoraGen.Merging;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>One annotated projection beside its update.</summary>
/// <param name="Path">Where it lies below the model, as in the checkpoint's keys: <c>model.layers.0.self_attn.q_proj</c>.</param>
/// <param name="Projection">The base's projection: a <c>Linear</c>, a <see cref="Conv1D"/>, an <c>Embedding</c> or a convolution.</param>
/// <param name="Update">A and B, or what the adapter owns of the projection itself, or neither.</param>
public sealed record LoraSite(string Path, nn.Module Projection, LowRankUpdate Update)
{
    /// <summary>Checks that the projection can add the update.</summary>
    /// <exception cref="LoraException">The update is disposed, of another shape or device, or the weight already carries an adapter.</exception>
    internal void RequireAttachable()
    {
        if (MergedWeights.Holds(Projection))
        {
            throw new LoraException($"{Path}: its weight already carries a merged adapter. Call Unmerge first.");
        }

        if (!Update.HasEffect)
        {
            return;
        }

        Update.RequireAlive();
        var (weight, kind) = (ProjectionWeight.Of(Projection), Update.Kind);
        if (Update.IsTargeted || Update.IsSaved)
        {
            var (inSize, outSize) = Update.IsSaved ? (kind.InOf(Update.Weight), kind.OutOf(Update.Weight)) : (Update.A.shape[1], Update.Outputs);
            RequireSame(kind.In, kind.InOf(weight), inSize);
            RequireSame(kind.Out, kind.OutOf(weight), outSize);
            RequireSame("kernel_size", weight.shape[2..], (Update.IsSaved ? Update.Weight : Update.A).shape[2..]);
        }

        if (Update.IsSaved || Update.OwnsBias)
        {
            RequireSame("biases", Projection.get_parameter(ProjectionWeight.BiasName)?.shape[0] ?? 0, Update.Bias?.shape[0] ?? 0);
        }

        if (Update.TokenRows is { } rows)
        {
            RequireSame(kind.Out, kind.OutOf(weight), rows.shape[1]);
            OwnTokenRows.RequireIdsIn(Path, Update.TokenIds, weight);
        }

        if (Update.IsTargeted)
        {
            ConvUpdate.RequireOneGroup(Path, Projection);
        }

        Update.RequireBeside(Path, weight);
    }

    private void RequireSame(string what, long expected, long found) => RequireSame(what, [expected], [found]);

    private void RequireSame(string what, long[] expected, long[] found)
    {
        if (!expected.SequenceEqual(found))
        {
            throw new LoraException($"{Path}: {what}: expected {string.Join(" x ", expected)} as in the base, found {string.Join(" x ", found)} in the adapter, which belongs to a model of another shape.");
        }
    }
}
