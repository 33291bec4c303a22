namespace LoraGen;

/// <summary>PEFT's way to name modules: a list of names or ends of paths, or one regular expression for the whole path.</summary>
/// <param name="source">Where they were given.</param>
/// <param name="option">The property that holds the list; the pattern's has <c>Pattern</c> behind it.</param>
/// <param name="names">The list.</param>
/// <param name="pattern">The regular expression.</param>
internal sealed class ModuleNames(string source, string option, IReadOnlyList<string>? names, string? pattern)
{
    private readonly HashSet<string> _found = new(StringComparer.Ordinal);
    private readonly ModulePattern? _pattern = pattern is null ? null : new ModulePattern(source, $"{option}Pattern", $"^(?:{pattern})$");

    /// <summary>Whether a path is a name or ends with a dot and that name.</summary>
    public static bool IsEndOf(string path, string name) => path == name || path.EndsWith($".{name}", StringComparison.Ordinal);

    /// <summary>Whether there is a list or a pattern at all.</summary>
    public bool IsGiven => names is not null || pattern is not null;

    /// <summary>Whether a path is named.</summary>
    public bool Contains(string path)
    {
        var matches = _pattern is null
            ? (names ?? []).Where(name => IsEndOf(path, name)).ToList()
            : _pattern.Matches(path) ? [pattern!] : [];
        _found.UnionWith(matches);
        return matches.Count > 0;
    }

    /// <summary>Whether a path is in the list itself, from its first name to its last.</summary>
    public bool ContainsWhole(string path) => names?.Contains(path) ?? false;

    /// <summary>Entries of the list, or the pattern, that no path has matched.</summary>
    public IEnumerable<string> Unmatched => (names, pattern) switch
    {
        (_, not null) => _found.Count > 0 ? [] : [$"{option}Pattern '{pattern}'"],
        ([], _) => [$"{option} []"],
        _ => (names ?? []).Where(name => !_found.Contains(name)).Select(name => $"{option} '{name}'"),
    };
}
