using LoraGen.Files;
using LoraGen.Merging;
using LoraGen.Peft;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>Which rows of which embeddings an adapter owns, by PEFT's rules of <c>trainable_token_indices</c>, and the copies that it owns.</summary>
internal sealed class OwnTokenRows
{
    // What transformers' models call their input embedding.
    private static readonly string[] InputEmbeddings = ["embed_tokens", "wte", "word_embeddings"];

    private readonly string _option;
    private readonly LoraConfig _config;
    private readonly nn.Module _model;
    private readonly PeftAdapterFiles? _files;
    private readonly BaseCopies _copies;
    private readonly List<string> _embeddings;
    private readonly HashSet<string> _found = new(StringComparer.Ordinal);

    /// <param name="source">Where the config is, for messages.</param>
    /// <param name="config">The adapter's.</param>
    /// <param name="model">The base.</param>
    /// <param name="files">The files that the adapter is made for, or null for a new one.</param>
    /// <param name="copies">Makes the copies.</param>
    /// <exception cref="LoraException">Ids are given in both ways, none are given, or one twice.</exception>
    public OwnTokenRows(string source, LoraConfig config, nn.Module model, PeftAdapterFiles? files, BaseCopies copies)
    {
        (_option, _config, _model, _files, _copies) = ($"{source}: {nameof(LoraConfig.TrainableTokenIndices)}", config, model, files, copies);
        _embeddings = [.. model.named_modules().Where(item => item.module is Embedding).Select(item => item.name)];
        if (config is { TrainableTokenIndices: not null, TrainableTokenIndicesByModule: not null })
        {
            throw new LoraException($"{source}: expected {nameof(LoraConfig.TrainableTokenIndices)} or {nameof(LoraConfig.TrainableTokenIndicesByModule)}, found both.");
        }

        foreach (var ids in config.TrainableTokenIndicesByModule?.Values ?? [])
        {
            RequireDistinct(ids);
        }

        RequireDistinct(config.TrainableTokenIndices ?? [0]);
    }

    /// <summary>Whether there are any.</summary>
    public bool Any => _found.Count > 0;

    /// <summary>Modules that are named and are no annotated embedding.</summary>
    public IEnumerable<string> Unmatched => (_config.TrainableTokenIndicesByModule?.Keys ?? []).Where(name => !_found.Contains(name)).Select(name => $"{nameof(LoraConfig.TrainableTokenIndicesByModule)} '{name}'");

    /// <summary>The rows that the adapter owns of an annotated projection, or null where it owns none.</summary>
    /// <param name="annotation">The projection.</param>
    /// <param name="isTarget">Whether it is to have an A and a B.</param>
    /// <param name="isSaved">Whether it is saved whole.</param>
    /// <exception cref="LoraException">The embedding is adapted or saved otherwise too, has no such row or not its own, or the file has them in another shape or dtype.</exception>
    public (IReadOnlyList<int> Ids, Parameter Rows)? Copy(Annotation annotation, bool isTarget, bool isSaved)
    {
        var path = annotation.Path;
        if (IdsOf(path) is not { } ids)
        {
            return null;
        }

        if (annotation.Kind != UpdateKind.Embedding)
        {
            throw new LoraException($"{_option}: {path}: expected an embedding, found a projection of vectors.");
        }

        if (isTarget || isSaved)
        {
            throw new LoraException($"{_option}: {path}: expected an embedding that is neither adapted nor saved whole, found one that {(isSaved ? $"{nameof(LoraConfig.ModulesToSave)} saves" : "has an A and a B")}: PEFT does not have both either. Leave it out there ({(isSaved ? nameof(LoraConfig.ModulesToSave) : nameof(LoraConfig.ExcludeModules))}), or here.");
        }

        var weight = ProjectionWeight.Of(annotation.Projection);
        RequireIdsIn($"{_option}: {path}", ids, weight);
        RequireUntied(path, weight);
        _files?.RequireTokenRows(path, [ids.Count, weight.shape[1]]);
        using var index = tensor(ids.Select(id => (long)id).ToArray()).to(weight.device);
        using var rows = weight.detach().index_select(0, index);
        return (ids, _copies.Of(rows));
    }

    /// <summary>Checks that a list, which names no embedding, has found one.</summary>
    /// <exception cref="LoraException">It has not.</exception>
    public void RequireComplete()
    {
        if (_config.TrainableTokenIndices is not null && !Any)
        {
            throw new LoraException($"{_option}: expected one embedding, or one of the name {string.Join(" or ", InputEmbeddings)}, which is annotated, found [{string.Join(", ", _embeddings)}]. Annotate it, or say which one is meant with {nameof(LoraConfig.TrainableTokenIndicesByModule)}.");
        }
    }

    private IReadOnlyList<int>? IdsOf(string path)
    {
        if (_config.TrainableTokenIndices is { } ids)
        {
            if (InputEmbedding() != path)
            {
                return null;
            }

            _found.Add(path);
            return ids;
        }

        var named = (_config.TrainableTokenIndicesByModule ?? new Dictionary<string, IReadOnlyList<int>>()).Where(item => ModuleNames.IsEndOf(path, item.Key)).ToList();
        if (named.Count > 1)
        {
            throw new LoraException($"{_option}: {path}: expected one list of ids, found those of [{string.Join(", ", named.Select(item => item.Key))}].");
        }

        _found.UnionWith(named.Select(item => item.Key));
        return named.Select(item => item.Value).FirstOrDefault();
    }

    private string? InputEmbedding() => _embeddings is [var only]
        ? only
        : _embeddings.Where(path => InputEmbeddings.Any(name => ModuleNames.IsEndOf(path, name))).ToList() is [var one] ? one : null;

    // PEFT changes the rows of a tied head too. Where the model passes the embedding's weight to a function, nothing tells of the tie.
    private void RequireUntied(string path, Parameter weight)
    {
        var users = TiedWeights.KeysByMemory(_model)[WeightMemory.Of(weight)].ToList();
        if (users.Count > 1)
        {
            throw new LoraException($"{_option}: {path}: expected an embedding with a weight of its own, found one under the keys [{string.Join(", ", users)}]: PEFT changes the rows of all of them, and here the embedding alone would be changed. Give the head a weight of its own.");
        }
    }

    private void RequireDistinct(IReadOnlyList<int> ids)
    {
        if (ids.Count == 0)
        {
            throw new LoraException($"{_option}: expected ids, found an empty list.");
        }

        if (ids.GroupBy(id => id).FirstOrDefault(group => group.Count() > 1) is { } repeated)
        {
            throw new LoraException($"{_option}: expected each id once, found {repeated.Key} {repeated.Count()} times.");
        }
    }

    /// <summary>Checks that an embedding has rows for all ids.</summary>
    /// <exception cref="LoraException">It has not.</exception>
    public static void RequireIdsIn(string place, IEnumerable<int> ids, Tensor weight)
    {
        foreach (var id in ids.Where(id => id < 0 || id >= weight.shape[0]).Take(1))
        {
            throw new LoraException($"{place}: expected ids of 0 to {weight.shape[0] - 1}, found {id}.");
        }
    }
}
