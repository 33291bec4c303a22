using LoraGen;
using LoraGen.Training.Data;
using SdkDocs.Data;
using SdkDocs.Model;

namespace SdkDocs.FineTuning;

/// <summary>The text of the fine-tuning task, encoded.</summary>
/// <param name="Tokenizer">The base's tokenizer.</param>
/// <param name="Train">Training sequences; only summaries count in the loss.</param>
/// <param name="HeldOut">Held-out members beside their sequences.</param>
/// <param name="TooLong">Number of members left out because they exceed <see cref="BaseModel.MaxTokens"/> tokens.</param>
internal sealed record DocTask(
    DocTokenizer Tokenizer, IReadOnlyList<TokenExample> Train, IReadOnlyList<(DocMember Member, TokenExample Example)> HeldOut, int TooLong)
{
    /// <summary>Reads the SDK's documentation and splits ASP.NET Core's part of it.</summary>
    /// <param name="packs">The SDK's packs folder, or null.</param>
    /// <param name="heldOut">Number of held-out members to keep.</param>
    /// <param name="seed">Seed of the split.</param>
    /// <exception cref="LoraException">The documentation or the tokenizer is missing or broken, or leaves nothing to learn from.</exception>
    public static DocTask Read(string? packs, int heldOut, int seed)
    {
        var tokenizer = DocTokenizer.Read(BaseModel.Folder);
        var corpus = DocCorpus.Read(packs);
        var split = DocSplit.Of(corpus.Web, corpus.Core, seed);
        var train = split.Train.Select(member => tokenizer.Example(member, learnSignature: false)).ToList();
        var judged = split.HeldOut.Select(member => (member, tokenizer.Example(member, learnSignature: false))).ToList();
        var (trainFits, judgedFits) = (train.FindAll(Fits), judged.FindAll(pair => Fits(pair.Item2)));
        if (trainFits.Count == 0 || judgedFits.Count == 0)
        {
            throw new LoraException($"The documentation of ASP.NET Core: expected members to learn and members to hold out, found {trainFits.Count} and {judgedFits.Count}.");
        }

        return new DocTask(tokenizer, trainFits, [.. judgedFits.Take(heldOut)], train.Count - trainFits.Count + judged.Count - judgedFits.Count);

        static bool Fits(TokenExample example) => example.Tokens.Length <= BaseModel.MaxTokens;
    }
}
