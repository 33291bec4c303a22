using System.Text.RegularExpressions;

namespace LoraGen.Transformers.Tokenizers.Pipeline;

/// <summary>
/// Cuts a text at the added tokens: at those that are looked for in the text as it stands, then, between them, at those that are looked
/// for in the normalized text. Of two that begin at one place, the longer is taken.
/// </summary>
internal sealed class AddedTokens(IReadOnlyCollection<AddedToken> tokens, Func<string, string> normalize)
{
    private readonly Finder _verbatim = new(tokens.Where(token => !token.Normalized), content => content);
    private readonly Finder _normalized = new(tokens.Where(token => token.Normalized), normalize);

    /// <summary>A piece of a text: an added token, or normalized text.</summary>
    /// <param name="Text">The normalized text; empty for an added token.</param>
    /// <param name="Id">The added token's id, or null.</param>
    /// <param name="AtStart">Whether the whole text begins with this piece.</param>
    public readonly record struct Piece(string Text, int? Id, bool AtStart);

    public IEnumerable<Piece> Split(string text)
        => _verbatim.Split(text, atStart: true).SelectMany(piece => piece.Id is null ? _normalized.Split(normalize(piece.Text), piece.AtStart) : [piece]);

    private sealed class Finder
    {
        private readonly Dictionary<string, AddedToken> _tokens = [];
        private readonly Regex? _pattern;

        public Finder(IEnumerable<AddedToken> tokens, Func<string, string> normalize)
        {
            foreach (var token in tokens)
            {
                _tokens[normalize(token.Content)] = token;
            }

            if (_tokens.Count > 0)
            {
                _pattern = new(string.Join('|', _tokens.Keys.OrderByDescending(content => content.Length).Select(Regex.Escape)), RegexOptions.CultureInvariant);
            }
        }

        public IEnumerable<Piece> Split(string text, bool atStart)
        {
            var done = 0;
            for (var match = _pattern?.Match(text); match is { Success: true }; match = match.NextMatch())
            {
                var token = _tokens[match.Value];
                var (start, end) = (match.Index, match.Index + match.Length);
                if (start < done || (token.SingleWord && (IsWord(text, start - 1) || IsWord(text, end))))
                {
                    continue;
                }

                while (token.LeftStrip && start > done && char.IsWhiteSpace(text[start - 1]))
                {
                    start--;
                }

                while (token.RightStrip && end < text.Length && char.IsWhiteSpace(text[end]))
                {
                    end++;
                }

                if (start > done)
                {
                    yield return new(text[done..start], null, atStart && done == 0);
                }

                yield return new("", token.Id, atStart && start == 0);
                done = end;
            }

            if (done < text.Length)
            {
                yield return new(text[done..], null, atStart && done == 0);
            }
        }

        private static bool IsWord(string text, int index)
            => index >= 0 && index < text.Length && (char.IsLetterOrDigit(text[index]) || text[index] == '_');
    }
}
