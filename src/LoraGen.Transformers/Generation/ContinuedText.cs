using LoraGen.Transformers.Tokenizers;

namespace LoraGen.Transformers.Generation;

/// <summary>A text that grows token by token until it holds a stop string. What may be the beginning of one is held back.</summary>
internal sealed class ContinuedText(StreamingDecoder decoder, IReadOnlyList<string> stops)
{
    private string _held = "";

    /// <summary>Whether a stop string was found; it is cut off with all that follows.</summary>
    public bool Stopped { get; private set; }

    /// <summary>Adds a token and returns the text that is certain now.</summary>
    public string Push(int id) => Release(decoder.Push(id), last: false);

    /// <summary>Returns what is still held back.</summary>
    public string Finish() => Release(decoder.Finish(), last: true);

    private string Release(string text, bool last)
    {
        if (Stopped)
        {
            return "";
        }

        _held += text;
        var found = stops.Select(stop => _held.IndexOf(stop, StringComparison.Ordinal)).Where(index => index >= 0).DefaultIfEmpty(-1).Min();
        Stopped = found >= 0;
        var certain = Stopped ? found : last ? _held.Length : _held.Length - Beginning();
        var result = _held[..certain];
        _held = _held[certain..];
        return result;
    }

    // How many characters at the end may be the beginning of a stop string.
    private int Beginning()
        => stops.Select(stop => Enumerable.Range(1, Math.Min(stop.Length - 1, _held.Length))
            .LastOrDefault(length => string.CompareOrdinal(_held, _held.Length - length, stop, 0, length) == 0)).DefaultIfEmpty(0).Max();
}
