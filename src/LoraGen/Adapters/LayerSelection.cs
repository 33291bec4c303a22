using System.Globalization;

namespace LoraGen;

/// <summary>
/// PEFT's rules of <c>layers_to_transform</c> and <c>layers_pattern</c>: a path's layer is the first number in it that stands between
/// dots and behind two names, or behind a name and one that a pattern matches.
/// </summary>
internal sealed class LayerSelection(string source, LoraConfig config)
{
    private readonly HashSet<int> _found = [];

    // PEFT's two regular expressions. A list of layers at the top of the model, h.0 and not transformer.h.0, is matched by neither.
    private readonly List<ModulePattern> _patterns =
    [
        .. (config.LayersPattern is { Count: > 0 } names ? names : ["[^.]*"])
            .Select(name => new ModulePattern(source, nameof(LoraConfig.LayersPattern), $@"^.*?\.{name}\.(?<layer>\d+)\.")),
    ];

    /// <summary>Whether a path is in one of the layers, or layers are not asked for.</summary>
    public bool Contains(string path)
    {
        if (config.LayersToTransform is not { Count: > 0 } layers)
        {
            return true;
        }

        var match = _patterns.Select(pattern => pattern.Match(path)).FirstOrDefault(match => match.Success);
        if (match is null || !int.TryParse(match.Groups["layer"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var layer) || !layers.Contains(layer))
        {
            return false;
        }

        _found.Add(layer);
        return true;
    }

    /// <summary>Layers in which nothing was found.</summary>
    public IEnumerable<string> Unmatched => config.LayersToTransform switch
    {
        [] => [$"{nameof(LoraConfig.LayersToTransform)} []"],
        var layers => (layers ?? []).Where(layer => !_found.Contains(layer)).Select(layer => FormattableString.Invariant($"{nameof(LoraConfig.LayersToTransform)} {layer}")),
    };
}
