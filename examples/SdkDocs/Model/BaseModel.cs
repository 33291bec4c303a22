using LoraGen.Transformers.Llama;

namespace SdkDocs.Model;

/// <summary>The base that this example ships: its shape, and where it lies.</summary>
internal static class BaseModel
{
    public const int VocabularySize = 4096;

    /// <summary>Longest member, in tokens, that training reads; a few in a thousand are longer.</summary>
    public const int MaxTokens = 256;

    /// <summary>5.2 M parameters: small enough for a repository and for two cores, large enough to write sentences.</summary>
    public static LlamaConfig Config { get; } = new()
    {
        VocabSize = VocabularySize,
        HiddenSize = 256,
        IntermediateSize = 640,
        NumHiddenLayers = 6,
        NumAttentionHeads = 8,
        NumKeyValueHeads = 4,
        MaxPositionEmbeddings = 512,
        RmsNormEps = 1e-5,
        TieWordEmbeddings = true,
        BosTokenId = 0,
        EosTokenIds = [0],
    };

    /// <summary>The folder of the shipped base, in Hugging Face's layout, beside the program.</summary>
    public static string Folder => Path.Combine(AppContext.BaseDirectory, "base");
}
