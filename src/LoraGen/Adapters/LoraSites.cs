using System.ComponentModel;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>Collects the projections of a model beside their updates; generated code walks the tree and adds them.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class LoraSites
{
    private readonly List<LoraSite> _sites;
    private readonly string _prefix;

    private LoraSites(List<LoraSite> sites, string prefix) => (_sites, _prefix) = (sites, prefix);

    /// <summary>All annotated projections of <paramref name="model"/>, in the order of its source.</summary>
    /// <exception cref="LoraException">The adapter's tree has another shape than the model's.</exception>
    public static IReadOnlyList<LoraSite> Of<TAdapter>(ILoraModel<TAdapter> model, TAdapter adapter)
        where TAdapter : LoraAdapter
    {
        var sites = new List<LoraSite>();
        model.AddSites(adapter, new LoraSites(sites, ""));

        // The adapter of a derived class is one of its base class too, and has more than an object of the base class takes.
        var taken = sites.Select(site => site.Update).ToHashSet();
        if (adapter.Owners.FirstOrDefault(update => !taken.Contains(update)) is { } left)
        {
            throw new LoraException($"{left.Path}: expected a projection for each update of the adapter, found none for this one: {NameOf(adapter.GetType())} belongs to a model of another class.");
        }

        return sites;
    }

    /// <summary>Adds one projection.</summary>
    public void Add(string name, nn.Module projection, LowRankUpdate update) => _sites.Add(new LoraSite(_prefix + name, projection, update));

    /// <summary>The same collection, one level down.</summary>
    public LoraSites Child(string name) => new(_sites, $"{_prefix}{name}.");

    /// <summary>The adapter as that of a derived class.</summary>
    /// <exception cref="LoraException">It is the adapter of a base class, which lacks what the derived class adds.</exception>
    public TAdapter Require<TAdapter>(LoraAdapter adapter)
        where TAdapter : LoraAdapter
        => adapter as TAdapter
            ?? throw new LoraException($"{(_prefix.Length > 0 ? _prefix.TrimEnd('.') : "The adapter")}: expected {NameOf(typeof(TAdapter))}, found {NameOf(adapter.GetType())}, which belongs to a model of another class.");

    private static string NameOf(Type adapter) => $"{adapter.DeclaringType?.Name.Split('`')[0]}.{adapter.Name}";

    /// <summary>Checks that a list of children has as many adapters as modules.</summary>
    /// <exception cref="LoraException">It has not.</exception>
    public void RequireSameCount(string name, int expected, int found)
    {
        if (expected != found)
        {
            throw new LoraException($"{_prefix}{name}: expected {expected} children as in the base, found {found} in the adapter, which belongs to a model of another shape.");
        }
    }
}
