using System.Text.RegularExpressions;

namespace LoraGen;

/// <summary>PEFT's rules of <c>rank_pattern</c> and <c>alpha_pattern</c>: the first key that, as a regular expression, matches the path or an end of it after a dot.</summary>
internal sealed class ModulePattern<T>(string option, IReadOnlyDictionary<string, T> values)
    where T : struct
{
    private readonly List<(string Key, Regex Regex, T Value)> _entries =
        [.. values.Select(item => (item.Key, ModulePattern.Compile(option, $@"^(.*\.)?({item.Key})$"), item.Value))];

    private readonly HashSet<string> _found = new(StringComparer.Ordinal);

    /// <summary>The value for a path, or null.</summary>
    public T? Find(string path)
    {
        foreach (var (key, regex, value) in _entries)
        {
            if (regex.IsMatch(path))
            {
                _found.Add(key);
                return value;
            }
        }

        return null;
    }

    /// <summary>Keys that have matched no projection.</summary>
    public IEnumerable<string> Unmatched => _entries.Where(entry => !_found.Contains(entry.Key)).Select(entry => $"{option} '{entry.Key}'");
}

internal static class ModulePattern
{
    /// <summary>Compiles a pattern that a user or a file gave.</summary>
    /// <exception cref="LoraException">It is not a regular expression.</exception>
    public static Regex Compile(string option, string pattern)
    {
        try
        {
            return new Regex(pattern, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
        }
        catch (ArgumentException e)
        {
            throw new LoraException($"LoraConfig: {option}: expected a regular expression, found '{pattern}': {e.Message}", e);
        }
    }
}
