using LoraGen.Files;
using LoraGen.Peft;
using TorchSharp;
using TorchSharp.Modules;

namespace LoraGen;

/// <summary>Which biases an adapter owns, by PEFT's rules of <c>bias</c>, and the copies that it owns.</summary>
/// <param name="source">Where the config is, for messages.</param>
/// <param name="config">The adapter's.</param>
/// <param name="model">The base.</param>
/// <param name="files">The files that the adapter is made for, or null for a new one.</param>
/// <param name="copies">Makes the copies.</param>
internal sealed class OwnBiases(string source, LoraConfig config, torch.nn.Module model, PeftAdapterFiles? files, BaseCopies copies)
{
    private readonly HashSet<string> _owned = new(StringComparer.Ordinal);
    private readonly HashSet<string> _saved = new(StringComparer.Ordinal);
    private readonly List<string> _notInFile = [];

    /// <summary>Whether there are any.</summary>
    public bool Any => _owned.Count > 0;

    /// <summary>The adapter's own bias of a projection, or null where the base's is used.</summary>
    /// <exception cref="LoraException">The file has it in another shape, or in a dtype that an adapter is not stored in.</exception>
    public Parameter? Copy(Annotation annotation, bool isTarget)
    {
        var wanted = config.Bias == TrainedBiases.All || (config.Bias == TrainedBiases.LoraOnly && isTarget);
        if (!wanted || annotation.Projection.get_parameter(ProjectionWeight.BiasName) is not { } bias)
        {
            return null;
        }

        // PEFT dropped what it had trained with lora_only, as long as it looked for it where adapted layers no longer have it (its issue
        // 3306): of such a file nothing but the base's bias is left.
        if (files is not null && config.Bias == TrainedBiases.LoraOnly && !files.HoldsBias(annotation.Path))
        {
            _notInFile.Add(annotation.Path);
            return null;
        }

        files?.RequireBias(annotation.Path, bias);
        _owned.Add(annotation.Path);
        return copies.Of(bias);
    }

    /// <summary>Notes a projection whose bias is saved with its weight.</summary>
    public void AddSaved(string path) => _saved.Add(path);

    /// <summary>Checks that the adapter owns what the option says.</summary>
    /// <exception cref="LoraException">It cannot, or there is nothing that it would mean.</exception>
    public void RequireComplete()
    {
        if (_owned.Count > 0 && _notInFile.Count > 0)
        {
            throw new LoraException($"{source}: bias lora_only: expected the biases of all adapted projections or, as PEFT long saved it, of none, found those of [{Excerpt.Of([.. _owned])}] and none of [{Excerpt.Of(_notInFile)}].");
        }

        if (files is not null || config.Bias == TrainedBiases.None)
        {
            return;
        }

        if (!Enum.IsDefined(config.Bias))
        {
            throw new LoraException($"{source}: {nameof(LoraConfig.Bias)}: expected a member of {nameof(TrainedBiases)}, found {config.Bias}.");
        }

        var (others, option) = (config.Bias == TrainedBiases.All ? Others(model, _owned.Concat(_saved)).Select(item => item.Key).ToList() : [], $"{source}: {nameof(LoraConfig.Bias)}: {nameof(TrainedBiases)}.{config.Bias}");
        if (others.Count > 0)
        {
            throw new LoraException($"{option}: expected a base whose biases are all those of annotated projections, found [{Excerpt.Of(others)}], which an adapter cannot swap. Take {nameof(TrainedBiases)}.{nameof(TrainedBiases.LoraOnly)}, or annotate these modules if they are projections.");
        }

        if (!Any)
        {
            throw new LoraException($"{option}: expected {(config.Bias == TrainedBiases.LoraOnly ? "an adapted projection" : "a projection")} with a bias, found none, so that it would mean nothing.");
        }
    }

    /// <summary>The biases of a base that belong to none of these modules, by their keys: what PEFT trains with <c>all</c> beside the projections'.</summary>
    public static IEnumerable<KeyValuePair<string, Parameter>> Others(torch.nn.Module model, IEnumerable<string> modules)
    {
        var known = modules.Select(path => $"{path}.{ProjectionWeight.BiasName}").ToHashSet(StringComparer.Ordinal);
        return model.named_parameters()
            .Where(item => ModuleNames.IsEndOf(item.name, ProjectionWeight.BiasName) && !known.Contains(item.name))
            .Select(item => KeyValuePair.Create(item.name, item.parameter));
    }
}
