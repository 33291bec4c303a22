using LoraGen.Files;
using TorchSharp;

namespace LoraGen;

/// <summary>
/// The adapters of one base by name: it owns them, and says which of them is active.
/// <code>
/// using var adapters = new NamedAdapters&lt;Gpt2.Adapter&gt;(model);
/// adapters.Load("french", "adapters/french");
/// adapters.Active = "french";
/// </code>
/// </summary>
/// <remarks>
/// A name is any text that is not blank, and is compared letter by letter. Names are in no file and in no tensor's key. Not safe to be changed while another thread
/// calls the model.
/// </remarks>
/// <typeparam name="TAdapter">The model's adapter class.</typeparam>
public sealed class NamedAdapters<TAdapter> : IDisposable
    where TAdapter : LoraAdapter
{
    private readonly ILoraModel<TAdapter> _model;
    private readonly OrderedDictionary<string, TAdapter> _adapters = new(StringComparer.Ordinal);
    private bool _isDisposed;

    /// <param name="model">The base, which stays the caller's.</param>
    public NamedAdapters(ILoraModel<TAdapter> model)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
    }

    /// <summary>All names, in the order in which they were given.</summary>
    public IReadOnlyList<string> Names => [.. _adapters.Keys];

    /// <summary>The adapter of a name, to train, save, merge or mix.</summary>
    /// <exception cref="LoraException">No adapter has the name.</exception>
    public TAdapter this[string name]
    {
        get
        {
            ArgumentNullException.ThrowIfNull(name);
            return _adapters.TryGetValue(name, out var adapter)
                ? adapter
                : throw new LoraException($"'{Excerpt.Of(name)}': expected the name of an adapter, one of [{Excerpt.Of(Names)}], found none of that name.");
        }
    }

    /// <summary>
    /// The name of the model's <see cref="ILoraModel{TAdapter}.ActiveAdapter"/>, or null where it is none of these. Setting it sets that: one
    /// reference for each part of the model, whatever the size of its weights, and null for the base alone.
    /// </summary>
    /// <exception cref="LoraException">No adapter has the name, or as <see cref="ILoraModel{TAdapter}.ActiveAdapter"/>. What is active stays.</exception>
    public string? Active
    {
        get => NameOf(_model.ActiveAdapter);
        set => _model.ActiveAdapter = value is null ? null : this[value];
    }

    /// <summary>Makes a new adapter; see <see cref="ILoraModel{TAdapter}.CreateAdapter"/>.</summary>
    /// <exception cref="ArgumentException">The name is null, empty or white space.</exception>
    /// <exception cref="LoraException">The name is taken, or as <see cref="ILoraModel{TAdapter}.CreateAdapter"/>.</exception>
    public TAdapter Create(string name, LoraConfig? config = null, torch.Generator? generator = null)
    {
        RequireFree(name);
        return Keep(name, _model.CreateAdapter(config, generator));
    }

    /// <summary>Reads an adapter in PEFT's format, as the adapter's own <c>Load</c> does.</summary>
    /// <exception cref="ArgumentException">The name or the folder is null, empty or white space.</exception>
    /// <exception cref="LoraException">The name is taken, or a file is missing, malformed or belongs to another model.</exception>
    public TAdapter Load(string name, string folder)
    {
        RequireFree(name);
        return Keep(name, AdapterBuilder.Load(folder, _model));
    }

    /// <summary>Gives a name to an adapter that exists already, which is owned from now on.</summary>
    /// <exception cref="ArgumentException">The name is null, empty or white space.</exception>
    /// <exception cref="LoraException">The name is taken, the adapter has one, or it is that of a mixed batch.</exception>
    public void Add(string name, TAdapter adapter)
    {
        RequireFree(name);
        ArgumentNullException.ThrowIfNull(adapter);
        adapter.RequireOwn(nameof(Add));
        if (NameOf(adapter) is { } other)
        {
            throw new LoraException($"Add: expected an adapter without a name, found '{Excerpt.Of(other)}', which would be deleted with '{Excerpt.Of(name)}'.");
        }

        Keep(name, adapter);
    }

    /// <summary>
    /// Takes a name back and disposes its adapter. Where it was active, the base alone is, and no other adapter in its place. A
    /// <see cref="MixedBatch{TAdapter}"/> that still has rows of it refuses to compute.
    /// </summary>
    /// <exception cref="LoraException">No adapter has the name, or the model's weights carry this one; nothing has changed then.</exception>
    public void Delete(string name)
    {
        var adapter = this[name];
        if (ReferenceEquals(adapter, _model.MergedAdapter))
        {
            throw new LoraException($"Delete: expected an adapter that is not merged, found '{Excerpt.Of(name)}', which the model's weights carry. Call Unmerge first.");
        }

        Release(adapter);
        _adapters.Remove(name);
    }

    /// <summary>
    /// Disposes all adapters; where one of them was active, the base alone is. What is merged stays merged, and
    /// <see cref="ILoraModel{TAdapter}.Unmerge"/> restores the base all the same.
    /// </summary>
    public void Dispose()
    {
        foreach (var adapter in _adapters.Values)
        {
            Release(adapter);
        }

        _adapters.Clear();
        _isDisposed = true;
    }

    private void Release(TAdapter adapter)
    {
        if (ReferenceEquals(adapter, _model.ActiveAdapter))
        {
            _model.ActiveAdapter = null;
        }

        adapter.Dispose();
    }

    private string? NameOf(TAdapter? adapter)
        => adapter is null ? null : _adapters.FirstOrDefault(item => ReferenceEquals(item.Value, adapter)).Key;

    private void RequireFree(string name)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (_adapters.ContainsKey(name))
        {
            throw new LoraException($"'{Excerpt.Of(name)}': expected a name that no adapter has, found it among [{Excerpt.Of(Names)}]. Delete that adapter first.");
        }
    }

    private TAdapter Keep(string name, TAdapter adapter)
    {
        _adapters.Add(name, adapter);
        return adapter;
    }
}
