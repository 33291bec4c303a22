using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Checkpoints;

/// <summary>How the keys of an architecture's checkpoints, as they are found in the wild, become the keys of our module.</summary>
internal sealed record CheckpointKeys
{
    /// <summary>What a file of the bare base model leaves out before its keys, or a file of a model with a head has too much: <c>transformer.</c>, <c>bert.</c></summary>
    public string? Prefix { get; init; }

    /// <summary>Old endings and what they are called now: <c>LayerNorm.gamma</c>, <c>LayerNorm.weight</c>.</summary>
    public IReadOnlyList<(string Old, string New)> Endings { get; init; } = [];

    /// <summary>Keys of the file that are passed over: buffers that follow from the config, heads that this model does not have.</summary>
    public Regex? Ignored { get; init; }

    /// <summary>
    /// Keys of the file that name a weight of our module a second time, and that weight. Both may be there if they are equal; a file with
    /// the second name alone is read by that.
    /// </summary>
    public IReadOnlyDictionary<string, string> Tied { get; init; } = new Dictionary<string, string>();

    /// <summary>Weights of our module that the file may lack; <see cref="Initialize"/> then writes them.</summary>
    public Regex? MayBeMissing { get; init; }

    /// <summary>Weights of our module that <see cref="Initialize"/> writes whether the file has them or not: a new head in place of the file's.</summary>
    public Regex? New { get; init; }

    /// <summary>Writes a weight that is new, or that <see cref="MayBeMissing"/> let pass.</summary>
    public Action<string, Tensor>? Initialize { get; init; }

    /// <summary>Weights that the file of a model without this head lacks, and what the reader of the refusal can do.</summary>
    public (Regex Keys, string Advice)? Head { get; init; }

    /// <summary>The key of our module that a file's key means; the key itself where the module has none like it.</summary>
    public string Map(string key, ICollection<string> own)
    {
        foreach (var (old, now) in Endings)
        {
            if (key.EndsWith(old, StringComparison.Ordinal))
            {
                key = string.Concat(key.AsSpan(0, key.Length - old.Length), now);
            }
        }

        if (Prefix is null || own.Contains(key))
        {
            return key;
        }

        return own.Contains(Prefix + key) ? Prefix + key
            : key.StartsWith(Prefix, StringComparison.Ordinal) && own.Contains(key[Prefix.Length..]) ? key[Prefix.Length..]
            : key;
    }
}
