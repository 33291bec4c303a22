using System.Text.RegularExpressions;
using LoraGen.Tests.Files;
using LoraGen.Transformers.Tokenizers;

namespace LoraGen.Transformers.Tests.Tokenizers;

/// <summary>A byte-level tokenizer of few merges, some of which end in the middle of a character.</summary>
internal static class TinyTokenizer
{
    public const string End = "<|endoftext|>";
    public const string Split = @" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    public static TextTokenizer Create()
    {
        using var folder = new ScratchFolder();
        string[] special = [End, "<|pad|>"];
        var (vocabulary, merges) = BpeTrainer.Train(["Gets the name of the loader. STOP the loader", "漢字 漢語 漢字 😀😀 😁😁 größer"], new Regex(Split), special, 300);
        ByteLevelBpe.Write(folder.Path, vocabulary, merges, Split, special);
        return AutoTokenizer.Load(folder.Path);
    }
}
