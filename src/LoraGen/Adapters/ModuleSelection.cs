namespace LoraGen;

/// <summary>PEFT's rules of <c>target_modules</c>: a list of names or ends of paths, or one regular expression for the whole path.</summary>
internal sealed class ModuleSelection(string source, LoraConfig config)
{
    private readonly HashSet<string> _found = new(StringComparer.Ordinal);

    private readonly ModulePattern? _pattern = config.TargetModulesPattern is { } pattern
        ? new ModulePattern(source, nameof(LoraConfig.TargetModulesPattern), $"^(?:{pattern})$")
        : null;

    /// <summary>Whether the projection at a path is to be adapted.</summary>
    public bool Contains(string path)
    {
        if (_pattern is not null)
        {
            var isMatch = _pattern.Matches(path);
            if (isMatch)
            {
                _found.Add(path);
            }

            return isMatch;
        }

        if (config.TargetModules is null)
        {
            return true;
        }

        var matches = config.TargetModules.Where(name => path == name || path.EndsWith($".{name}", StringComparison.Ordinal)).ToList();
        _found.UnionWith(matches);
        return matches.Count > 0;
    }

    /// <summary>Entries of the list, or the pattern, that have matched no projection.</summary>
    public IEnumerable<string> Unmatched => config switch
    {
        { TargetModulesPattern: { } text } => _found.Count > 0 ? [] : [$"TargetModulesPattern '{text}'"],
        { TargetModules: [] } => ["TargetModules []"],
        _ => (config.TargetModules ?? []).Where(name => !_found.Contains(name)).Select(name => $"TargetModules '{name}'"),
    };
}
