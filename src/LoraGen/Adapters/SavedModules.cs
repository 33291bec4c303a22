using LoraGen.Files;
using LoraGen.Peft;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>
/// Which of the annotated projections an adapter owns whole, by PEFT's rules of <c>modules_to_save</c>, and the copies that it owns. In a
/// file, what is there counts too, whether or not the config names it.
/// </summary>
internal sealed class SavedModules
{
    // PEFT's, of its two models for classification.
    private static readonly string[] Classifiers = ["classifier", "score"];

    private readonly string _source;
    private readonly string _reason;
    private readonly IReadOnlyCollection<string> _modulePaths;
    private readonly PeftAdapterFiles? _files;
    private readonly IReadOnlyList<string> _listed;
    private readonly ModuleNames _names;
    private readonly List<(string Module, string Parameter)> _baseParameters;
    private readonly HashSet<string> _saved = new(StringComparer.Ordinal);
    private readonly BaseCopies _copies;

    /// <param name="source">Where the config is, for messages.</param>
    /// <param name="config">The adapter's.</param>
    /// <param name="model">The base.</param>
    /// <param name="modulePaths">Paths of all its modules.</param>
    /// <param name="files">The files that the adapter is made for, or null for a new one.</param>
    /// <param name="copies">Makes the copies.</param>
    public SavedModules(string source, LoraConfig config, nn.Module model, IReadOnlyCollection<string> modulePaths, PeftAdapterFiles? files, BaseCopies copies)
    {
        (_source, _modulePaths, _files, _copies) = (source, modulePaths, files, copies);
        _baseParameters = [.. model.named_parameters().Select(item => (Parent(item.name), item.name))];
        var byTask = files is null && config is { ModulesToSave: null, TaskType: "SEQ_CLS" or "TOKEN_CLS" };
        _listed = byTask ? [.. Classifiers.Where(name => Matches(name).Any(path => ParametersIn(path).Any()))] : config.ModulesToSave ?? [];
        _names = new ModuleNames(source, nameof(LoraConfig.ModulesToSave), _listed.Count > 0 ? _listed : null, pattern: null);
        _reason = byTask ? $"{nameof(LoraConfig.TaskType)} {config.TaskType} saves what has this name, as in PEFT. Set {nameof(LoraConfig.ModulesToSave)} to what is to be saved, [] for nothing." : "Name other modules, or annotate its projections.";
    }

    /// <summary>Whether there are any.</summary>
    public bool Any => _saved.Count > 0;

    /// <summary>Entries of the list that have matched no annotated projection.</summary>
    public IEnumerable<string> Unmatched => _names.Unmatched;

    /// <summary>Whether an annotated projection is saved whole.</summary>
    public bool Contains(string path)
    {
        // All of them are asked, so that the list knows which of its entries are of use.
        var isNamed = PathAndParents(path).Count(_names.Contains) > 0;
        return isNamed || _files?.HoldsWhole(path) == true;
    }

    /// <summary>Copies a projection that is saved whole, as the adapter's own.</summary>
    /// <exception cref="LoraException">The file has it in another shape, or in a dtype that an adapter is not stored in.</exception>
    public UpdateParts Copy(string path, nn.Module projection)
    {
        _saved.Add(path);
        var weight = Copy(ProjectionWeight.WeightName)!;
        return new UpdateParts(path, null, null, default, 0, null, null) { Saved = (weight, Copy(ProjectionWeight.BiasName)) };

        Parameter? Copy(string name)
        {
            if (projection.get_parameter(name) is not { } original)
            {
                return null;
            }

            _files?.RequireWhole(path, name, original);
            return _copies.Of(original);
        }
    }

    /// <summary>Checks that all of a named module can be saved: nothing swaps a parameter that no annotated projection has.</summary>
    /// <exception cref="LoraException">A named module has such a parameter.</exception>
    public void RequireNothingElse()
    {
        foreach (var module in _listed.SelectMany(Matches))
        {
            if (ParametersIn(module).Where(item => !_saved.Contains(item.Module)).Select(item => item.Parameter).ToList() is [_, ..] others)
            {
                throw new LoraException($"{_source}: {nameof(LoraConfig.ModulesToSave)}: {module}: expected a module whose parameters are those of annotated projections, found [{Excerpt.Of(others)}], which an adapter cannot swap. {_reason}");
            }
        }
    }

    /// <summary>
    /// What PEFT calls the modules that are saved whole, or null where there are none: the last name of each projection, or of a module that
    /// is saved with it, wherever the base has no other of that name; else its whole path.
    /// </summary>
    public IReadOnlyList<string>? Names
    {
        get
        {
            var names = _saved.Select(Name).Distinct().Order(StringComparer.Ordinal).ToList();

            // PEFT wraps each match, and not one inside the other.
            return names.Count == 0 ? null : [.. names.Where(name => !names.Any(other => other != name && Matches(name).All(path => PathAndParents(Parent(path)).Any(parent => ModuleNames.IsEndOf(parent, other)))))];
        }
    }

    private string Name(string projection)
        => PathAndParents(projection).TakeWhile(IsWhole).Select(LastName).FirstOrDefault(name => Matches(name).All(IsWhole)) ?? projection;

    /// <summary>Whether all parameters of a module are saved.</summary>
    public bool IsWhole(string module) => ParametersIn(module).Any() && ParametersIn(module).All(item => _saved.Contains(item.Module));

    private IEnumerable<string> Matches(string name) => _modulePaths.Where(path => ModuleNames.IsEndOf(path, name));

    private IEnumerable<(string Module, string Parameter)> ParametersIn(string module)
        => _baseParameters.Where(item => item.Module == module || item.Module.StartsWith($"{module}.", StringComparison.Ordinal));

    private static IEnumerable<string> PathAndParents(string path)
    {
        for (; path.Length > 0; path = Parent(path))
        {
            yield return path;
        }
    }

    private static string Parent(string path) => path[..Math.Max(0, path.LastIndexOf('.'))];

    private static string LastName(string path) => path[(path.LastIndexOf('.') + 1)..];
}
