using LoraGen.Training.Data;
using SdkDocs.Data;
using SdkDocs.Model;

namespace SdkDocs.Pretraining;

/// <summary>The training text as batches: in every epoch the same members in another order and with other names.</summary>
internal sealed class PretrainingText
{
    /// <summary>Upper bound of rows times longest row in a batch.</summary>
    public const int TokensPerBatch = 2048;

    private readonly IReadOnlyList<DocMember> _members;
    private readonly DocTokenizer _tokenizer;
    private readonly IdentifierRenaming _renaming;
    private readonly int _seed;

    public PretrainingText(IReadOnlyList<DocMember> members, DocTokenizer tokenizer, int seed)
    {
        (_members, _tokenizer, _renaming, _seed) = (members, tokenizer, new IdentifierRenaming(members), seed);
        BatchesPerEpoch = Epoch(0).Count();
    }

    /// <summary>Batches of the first epoch; new names make the others a little longer or shorter.</summary>
    public int BatchesPerEpoch { get; }

    /// <summary>Batches without end, after leaving out those that an earlier run has read.</summary>
    public IEnumerable<IReadOnlyList<TokenExample>> Batches(int done)
        => Enumerable.Range(0, int.MaxValue).SelectMany(Epoch).Skip(done);

    private IEnumerable<IReadOnlyList<TokenExample>> Epoch(int epoch)
    {
        var random = new Random(unchecked(_seed * 7919 + epoch));
        var examples = _members
            .Select(member => _tokenizer.Example(_renaming.Apply(member, random), learnSignature: true))
            .Where(example => example.Tokens.Length <= BaseModel.MaxTokens)
            .ToList();
        return new BatchSampler(examples, TokensPerBatch, _seed).Epoch(epoch);
    }
}
