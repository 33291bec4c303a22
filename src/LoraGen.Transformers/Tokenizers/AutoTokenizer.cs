using LoraGen.Transformers.Tokenizers.Files;

namespace LoraGen.Transformers.Tokenizers;

/// <summary>
/// Reads the tokenizer of a checkpoint folder: <c>tokenizer.json</c> (BPE, WordPiece, Unigram), else <c>tokenizer.model</c>
/// (SentencePiece), else <c>vocab.json</c> and <c>merges.txt</c> (byte-level BPE), else <c>vocab.txt</c> (WordPiece), with what
/// <c>tokenizer_config.json</c>, <c>special_tokens_map.json</c> and <c>added_tokens.json</c> beside it say.
/// </summary>
public static class AutoTokenizer
{
    /// <summary>Reads a folder's tokenizer.</summary>
    /// <param name="folder">The checkpoint's folder.</param>
    /// <exception cref="LoraException">There is none, it is malformed, or it asks for something that is not implemented.</exception>
    public static TextTokenizer Load(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        try
        {
            var config = new TokenizerConfig(folder);
            return Path.Exists(Path.Combine(folder, TokenizerJson.FileName)) ? TokenizerJson.Read(folder, config)
                : SentencePieceFiles.AreIn(folder) ? SentencePieceFiles.Read(folder, config)
                : BytePairFiles.AreIn(folder) ? BytePairFiles.Read(folder, config)
                : WordPieceFiles.AreIn(folder) ? WordPieceFiles.Read(folder, config)
                : throw new LoraException($"{folder}: expected tokenizer.json, tokenizer.model, vocab.json with merges.txt, or vocab.txt, found none of them.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException
            or InvalidDataException or KeyNotFoundException or IndexOutOfRangeException)
        {
            // What the library finds wrong with a model, as far as it was not found before.
            throw new LoraException($"{folder}: the tokenizer cannot be read: {e.Message}", e);
        }
    }
}
