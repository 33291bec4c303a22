using static TorchSharp.torch;

namespace LoraGen.Merging;

/// <summary>Weights that two places of a model compute with, such as an embedding's that is its head's too.</summary>
internal static class TiedWeights
{
    /// <summary>All keys of a model's state_dict under which the same memory is found.</summary>
    public static ILookup<WeightMemory, string> KeysByMemory(nn.Module model)
    {
        using var scope = NewDisposeScope();
        return model.state_dict().Where(item => item.Value.NumberOfElements > 0).ToLookup(item => WeightMemory.Of(item.Value), item => item.Key);
    }

    /// <summary>Checks that a merge changes no projection but those it is for.</summary>
    /// <param name="model">All of whose tensors count.</param>
    /// <param name="sites">The projections, and whether each is to be merged into.</param>
    /// <exception cref="LoraException">A weight to merge into has a second key in the model's state_dict.</exception>
    public static void RequireNone(nn.Module model, IReadOnlyList<LoraSite> sites)
    {
        using var scope = NewDisposeScope();
        var keys = KeysByMemory(model);
        foreach (var site in sites.Where(site => site.Update.HasEffect))
        {
            if (MergedWeights.ParametersOf(site).Select(parameter => keys[WeightMemory.Of(parameter)].ToList()).FirstOrDefault(found => found.Count > 1) is { } users)
            {
                throw new LoraException(
                    $"{site.Path}: expected a weight of its own, found one that shares its memory under the keys [{string.Join(", ", users)}]: to write one would change all of them. The base is unchanged. Keep the adapter active instead of merging it, or leave the projection out with {nameof(LoraConfig)}.{nameof(LoraConfig.TargetModules)}.");
            }
        }
    }
}
