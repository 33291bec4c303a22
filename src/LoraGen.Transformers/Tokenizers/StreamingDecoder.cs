using System.Text;

namespace LoraGen.Transformers.Tokenizers;

/// <summary>
/// Turns ids that come one by one into text that can be shown at once: never half a character, and never a piece that a later id would
/// change. All pieces together are what <see cref="TextTokenizer.Decode"/> makes of all ids.
/// </summary>
public sealed class StreamingDecoder
{
    private readonly TextTokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;
    private readonly Decoder _characters = Encoding.UTF8.GetDecoder();
    private bool _first = true;

    /// <summary>Creates a decoder.</summary>
    /// <param name="tokenizer">The tokenizer that the ids are of.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    /// <param name="after">
    /// What stands before the first id, such as the prompt. SentencePiece drops the space before a text's first word; a text that goes on
    /// after another keeps it.
    /// </param>
    /// <exception cref="LoraException">An id is not in the vocabulary.</exception>
    public StreamingDecoder(TextTokenizer tokenizer, bool skipSpecialTokens = false, IEnumerable<int>? after = null)
    {
        (_tokenizer, _skipSpecialTokens) = (tokenizer, skipSpecialTokens);
        foreach (var id in after ?? [])
        {
            Push(id);
        }
    }

    /// <summary>Adds an id and returns the text that is certain now; often nothing while the bytes of a character are still coming.</summary>
    /// <exception cref="LoraException">The id is not in the vocabulary.</exception>
    public string Push(int id)
    {
        if (_skipSpecialTokens && _tokenizer.IsSpecial(id))
        {
            return "";
        }

        var bytes = _tokenizer.Spell(id, _first);
        _first = false;
        return Characters(bytes, flush: false);
    }

    /// <summary>Ends the text: U+FFFD for a character whose last bytes never came, or nothing.</summary>
    public string Finish() => Characters([], flush: true);

    private string Characters(byte[] bytes, bool flush)
    {
        var result = new char[_characters.GetCharCount(bytes, flush)];
        _characters.GetChars(bytes, result, flush);
        return new(result);
    }
}
