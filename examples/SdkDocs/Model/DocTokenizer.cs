using System.Text.RegularExpressions;
using LoraGen;
using LoraGen.Training.Data;
using LoraGen.Transformers.Tokenizers;
using SdkDocs.Data;

namespace SdkDocs.Model;

/// <summary>The vocabulary and the text form of the task: <c>&lt;|endoftext|&gt; signature &lt;|summary|&gt; summary &lt;|endoftext|&gt;</c>.</summary>
internal sealed partial class DocTokenizer
{
    private const string EndOfText = "<|endoftext|>";
    private const string Summary = "<|summary|>";
    private static readonly string[] SpecialTokens = [EndOfText, Summary];

    private readonly TextTokenizer _tokenizer;

    private DocTokenizer(TextTokenizer tokenizer, string folder)
    {
        _tokenizer = tokenizer;
        EndId = SpecialId(EndOfText);
        SummaryId = SpecialId(Summary);
        if (tokenizer.VocabSize > BaseModel.VocabularySize)
        {
            throw new LoraException($"{folder}: the tokenizer's ids: expected less than {BaseModel.VocabularySize}, the base's vocabulary, found {tokenizer.VocabSize - 1}.");
        }

        int SpecialId(string token) => tokenizer.IdOf(token) is { } id && tokenizer.IsSpecial(id)
            ? id
            : throw new LoraException($"{folder}: the tokenizer's special tokens: expected {token}, found no such token.");
    }

    /// <summary>Begins and ends a sequence, and pads.</summary>
    public int EndId { get; }

    /// <summary>Stands between signature and summary.</summary>
    public int SummaryId { get; }

    /// <summary>Learns a vocabulary from members and writes the tokenizer files.</summary>
    public static void Train(IReadOnlyList<DocMember> members, int vocabularySize, string folder)
    {
        var texts = members.SelectMany(member => new[] { member.Signature, member.Summary });
        var (vocabulary, merges) = BpeTrainer.Train(texts, WordPattern(), SpecialTokens, vocabularySize);
        ByteLevelBpe.Write(folder, vocabulary, merges, WordPattern().ToString(), SpecialTokens);
    }

    /// <summary>Reads the tokenizer files of a model folder.</summary>
    public static DocTokenizer Read(string folder) => new(AutoTokenizer.Load(folder), folder);

    /// <summary>What the model reads before it writes a summary.</summary>
    public int[] Prompt(DocMember member) => [EndId, .. _tokenizer.Encode(member.Signature, addSpecialTokens: false), SummaryId];

    /// <summary>A whole training sequence.</summary>
    /// <param name="member">The member.</param>
    /// <param name="learnSignature">Whether the loss counts the signature too, as pretraining wants.</param>
    public TokenExample Example(DocMember member, bool learnSignature)
    {
        var prompt = Prompt(member);
        return new TokenExample([.. prompt, .. _tokenizer.Encode(member.Summary, addSpecialTokens: false), EndId], learnSignature ? 1 : prompt.Length);
    }

    /// <summary>The text of generated ids.</summary>
    public string Decode(IEnumerable<int> ids) => _tokenizer.Decode(ids);

    // Like GPT-2's pattern, but a word also ends where CamelCase begins a new one, so that HtmlLocalizer is read as Html and Localizer.
    [GeneratedRegex(@" ?\p{Lu}?[\p{Ll}\p{Lt}\p{Lm}\p{Lo}\p{M}]+| ?\p{Lu}+(?!\p{Ll})| ?\p{Lu}| ?\p{N}| ?[^\s\p{L}\p{N}\p{M}]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant)]
    private static partial Regex WordPattern();
}
