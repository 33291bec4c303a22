using System.Text.RegularExpressions;
using LoraGen.Files;

namespace LoraGen;

/// <summary>PEFT's rules of <c>rank_pattern</c> and <c>alpha_pattern</c>: the first key that, as a regular expression, matches the path or an end of it after a dot.</summary>
internal sealed class ModulePattern<T>(string source, string option, IReadOnlyDictionary<string, T> values)
    where T : struct
{
    private readonly List<(string Key, ModulePattern Pattern, T Value)> _entries =
        [.. values.Select(item => (item.Key, new ModulePattern(source, option, $@"^(.*\.)?({item.Key})$"), item.Value))];

    private readonly HashSet<string> _found = new(StringComparer.Ordinal);

    /// <summary>The value for a path, or null.</summary>
    public T? Find(string path)
    {
        foreach (var (key, pattern, value) in _entries)
        {
            if (pattern.Matches(path))
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

/// <summary>A regular expression that a user or a file gave, and so perhaps a wrong or a hostile one.</summary>
internal sealed class ModulePattern
{
    private readonly string _place;
    private readonly Regex _regex;

    /// <exception cref="LoraException">It is not a regular expression.</exception>
    public ModulePattern(string source, string option, string pattern)
    {
        _place = $"{source}: {option}";
        try
        {
            _regex = new Regex(pattern, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
        }
        catch (ArgumentException e)
        {
            throw new LoraException($"{_place}: expected a regular expression, found '{Excerpt.Of(pattern)}': {Excerpt.Of(e.Message)}", e);
        }
    }

    /// <exception cref="LoraException">The answer takes too long.</exception>
    public bool Matches(string path) => Match(path).Success;

    /// <exception cref="LoraException">The answer takes too long.</exception>
    public Match Match(string path)
    {
        try
        {
            return _regex.Match(path);
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new LoraException($"{_place}: expected a pattern that is matched within {_regex.MatchTimeout.TotalSeconds} s, found '{Excerpt.Of(_regex.ToString())}', which is not, at {path}.", e);
        }
    }
}
