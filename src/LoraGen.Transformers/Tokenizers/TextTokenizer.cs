using System.Text;
using LoraGen.Transformers.Tokenizers.Pipeline;

namespace LoraGen.Transformers.Tokenizers;

/// <summary>
/// Text to token ids and back, as the checkpoint's own files say: added tokens, normalizer, pre-tokenizer, model, special tokens, decoder,
/// in Hugging Face's order. <see cref="AutoTokenizer"/> makes one. It may be used by several threads at a time.
/// </summary>
public sealed class TextTokenizer
{
    private readonly AddedTokens _added;
    private readonly PreTokenizer _preTokenize;
    private readonly TokenModel _model;
    private readonly SpecialTemplate _template;
    private readonly TokenSpelling _spelling;
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<int, string> _tokens = [];
    private readonly HashSet<int> _special;

    internal TextTokenizer(
        TokenModel model,
        IReadOnlyCollection<AddedToken> added,
        Func<string, string> normalize,
        PreTokenizer preTokenize,
        SpecialTemplate template,
        TokenSpelling spelling)
    {
        (_model, _preTokenize, _template, _spelling) = (model, preTokenize, template, spelling);
        _added = new(added, normalize);
        _ids = new(model.Vocabulary);
        foreach (var token in added)
        {
            _ids[token.Content] = token.Id;
        }

        VocabSize = _ids.Values.Max() + 1;
        foreach (var (token, id) in _ids)
        {
            _tokens[id] = token;
        }

        _special = [.. added.Where(token => token.Special).Select(token => token.Id)];
    }

    /// <summary>The id that begins a sequence, or null.</summary>
    public int? BosId { get; internal init; }

    /// <summary>The id that ends a sequence, or null.</summary>
    public int? EosId { get; internal init; }

    /// <summary>The id that fills up a batch, or null.</summary>
    public int? PadId { get; internal init; }

    /// <summary>
    /// The Jinja template that turns a conversation into a prompt, as the checkpoint has it, or null. LoraGen does not run it: write the
    /// prompt as the template does, names of special tokens included, and encode it without <c>addSpecialTokens</c>.
    /// </summary>
    public string? ChatTemplate { get; internal init; }

    /// <summary>One more than the largest id.</summary>
    public int VocabSize { get; }

    /// <summary>The ids of a text. The exact name of a special token in it is that token.</summary>
    /// <param name="text">The text; half of a surrogate pair counts as U+FFFD.</param>
    /// <param name="addSpecialTokens">Whether the special tokens that the checkpoint's files put around a text are added.</param>
    public int[] Encode(string text, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>();
        if (addSpecialTokens)
        {
            ids.AddRange(_template.Before);
        }

        foreach (var piece in _added.Split(WellFormed(text)))
        {
            if (piece.Id is { } id)
            {
                ids.Add(id);
                continue;
            }

            foreach (var word in _preTokenize(piece.Text, piece.AtStart))
            {
                _model.Encode(word, ids);
            }
        }

        if (addSpecialTokens)
        {
            ids.AddRange(_template.After);
        }

        return [.. ids];
    }

    /// <summary>
    /// The text of ids. Bytes that are no UTF-8 become U+FFFD. Nothing is cleaned up that the files' <c>decoder</c> does not:
    /// <c>clean_up_tokenization_spaces</c> of tokenizer_config.json, which would change a text that merely passes through, is not heeded.
    /// </summary>
    /// <param name="ids">The ids.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    /// <exception cref="LoraException">An id is not in the vocabulary.</exception>
    public string Decode(IEnumerable<int> ids, bool skipSpecialTokens = false)
    {
        var bytes = new List<byte>();
        var first = true;
        foreach (var id in ids)
        {
            if (!skipSpecialTokens || !IsSpecial(id))
            {
                bytes.AddRange(Spell(id, first));
                first = false;
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }

    /// <summary>The id of a token as the vocabulary spells it, or null.</summary>
    public int? IdOf(string token) => _ids.TryGetValue(token, out var id) ? id : null;

    /// <summary>A token as the vocabulary spells it.</summary>
    /// <exception cref="LoraException">The id is not in the vocabulary.</exception>
    public string TokenOf(int id) => _tokens.TryGetValue(id, out var token)
        ? token
        : throw new LoraException($"Token id {id}: expected one of the tokenizer's vocabulary, whose largest is {VocabSize - 1}.");

    /// <summary>Whether a token carries a meaning instead of text.</summary>
    public bool IsSpecial(int id) => _special.Contains(id);

    internal byte[] Spell(int id, bool first) => _spelling(TokenOf(id), first);

    private static string WellFormed(string text)
        => text.Any(char.IsSurrogate) ? Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) : text;
}
