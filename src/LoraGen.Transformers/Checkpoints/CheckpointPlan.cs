using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Checkpoints;

/// <summary>Which tensor of the files goes into which weight of a model; made by names and shapes alone, before a weight is read.</summary>
internal sealed class CheckpointPlan
{
    private readonly CheckpointFiles _files;
    private readonly CheckpointKeys _keys;
    private readonly Dictionary<string, string> _sources = new(StringComparer.Ordinal); // module's key to file's
    private readonly List<(string Alias, string Key)> _ties = [];
    private readonly List<string> _fresh = [];

    /// <param name="files">The checkpoint.</param>
    /// <param name="module">The model, whose weights may be on the meta device.</param>
    /// <param name="keys">How keys are mapped.</param>
    /// <exception cref="LoraException">Missing or unexpected keys, another shape, or a dtype that is no floating-point number.</exception>
    public CheckpointPlan(CheckpointFiles files, nn.Module module, CheckpointKeys keys)
    {
        (_files, _keys) = (files, keys);
        var own = module.state_dict();
        var unexpected = MapKeys(own.Keys);
        var absent = own.Keys.Where(key => !_sources.ContainsKey(key)).ToLookup(key => keys.MayBeMissing?.IsMatch(key) == true || IsNew(key));
        _fresh.AddRange(absent[true]);
        if (absent[false].Any() || unexpected.Count > 0)
        {
            var advice = keys.Head is var (head, text) && absent[false].Any(head.IsMatch) ? $" {text}" : "";
            throw new LoraException($"{files.Path}: expected the keys of {module.GetName()}; missing: [{Sorted(absent[false])}]; unexpected: [{Sorted(unexpected)}].{advice}");
        }

        foreach (var (key, source) in _sources.Concat(_ties.Select(tie => KeyValuePair.Create(tie.Key, tie.Alias))))
        {
            CheckEntry(source, own[key].shape);
        }

        static string Sorted(IEnumerable<string> keys) => string.Join(", ", keys.Order(StringComparer.Ordinal));
    }

    /// <summary>The one dtype of all tensors that are read.</summary>
    /// <exception cref="LoraException">They have several.</exception>
    public ScalarType CommonDtype()
    {
        var dtypes = _sources.Values.Select(source => _files.Tensors[source].Entry.Dtype).Distinct().ToList();
        return dtypes.Count == 1
            ? dtypes[0]
            : throw new LoraException($"{_files.Path}: expected one dtype for all tensors, found {string.Join(", ", dtypes)}; say which one to load.");
    }

    /// <summary>Writes every weight of a model of the same keys and shapes. Beside the model, a few megabytes are in memory, and one matrix where a weight has two names.</summary>
    /// <exception cref="LoraException">A file was shortened meanwhile, or two names of a tied weight have different values.</exception>
    public void Fill(nn.Module module)
    {
        using var inference = no_grad();
        using var scope = NewDisposeScope();
        var own = module.state_dict();
        foreach (var (key, source) in _sources.OrderBy(item => _files.Tensors[item.Value].File.Path, StringComparer.Ordinal).ThenBy(item => _files.Tensors[item.Value].Entry.Begin))
        {
            _files.Tensors[source].File.ReadInto(source, own[key]);
        }

        foreach (var (alias, key) in _ties)
        {
            RequireEqual(alias, key, own[key]);
        }

        foreach (var key in _fresh)
        {
            _keys.Initialize?.Invoke(key, own[key]);
        }
    }

    private List<string> MapKeys(ICollection<string> own)
    {
        var unexpected = new List<string>();
        foreach (var source in _files.Tensors.Keys.Where(source => !_keys.Tied.ContainsKey(source)))
        {
            var key = _keys.Map(source, own);
            if (IsNew(key))
            {
                continue;
            }

            if (own.Contains(key))
            {
                AddSource(key, source);
            }
            else if (_keys.Ignored?.IsMatch(source) != true)
            {
                unexpected.Add(source);
            }
        }

        foreach (var (alias, key) in _keys.Tied.Where(tie => _files.Tensors.ContainsKey(tie.Key)))
        {
            if (_sources.ContainsKey(key))
            {
                _ties.Add((alias, key));
            }
            else
            {
                _sources.Add(key, alias);
            }
        }

        return unexpected;
    }

    private bool IsNew(string key) => _keys.New?.IsMatch(key) == true;

    private void AddSource(string key, string source)
    {
        if (!_sources.TryAdd(key, source))
        {
            throw new LoraException($"{_files.Path}: {key}: expected one tensor for this weight, found {_sources[key]} and {source}.");
        }
    }

    private void CheckEntry(string source, long[] shape)
    {
        var (file, entry) = _files.Tensors[source];
        if (!shape.SequenceEqual(entry.Shape))
        {
            throw new LoraException($"{file.Path}: {source}: expected shape [{string.Join(", ", shape)}], found [{string.Join(", ", entry.Shape)}].");
        }

        if (entry.Dtype is not (ScalarType.BFloat16 or ScalarType.Float16 or ScalarType.Float32 or ScalarType.Float64))
        {
            throw new LoraException($"{file.Path}: {source}: expected BF16, F16, F32 or F64, found {entry.Dtype}.");
        }
    }

    // Row by row, since a second matrix of that size is in memory already.
    private void RequireEqual(string alias, string key, Tensor owned)
    {
        const int Rows = 1024;
        using var second = _files.Tensors[alias].File.Read(alias);
        for (var row = 0L; row < owned.shape[0]; row += Rows)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(Rows, owned.shape[0] - row);
            if (!owned.narrow(0, row, count).cpu().eq(second.narrow(0, row, count).to_type(owned.dtype)).all().item<bool>())
            {
                throw new LoraException(
                    $"{_files.Path}: {alias}: expected the values of {key}, to which config.json ties it, found others. " +
                    "If the head is one of its own, set tie_word_embeddings to false in config.json.");
            }
        }
    }
}
