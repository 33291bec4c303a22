using LoraGen.Transformers.Tokenizers.Files;

namespace LoraGen.Transformers.Tokenizers.Pipeline;

/// <summary>The special tokens around one text.</summary>
internal sealed record SpecialTemplate(IReadOnlyList<int> Before, IReadOnlyList<int> After)
{
    private const string Known = "Sequence, TemplateProcessing, BertProcessing, RobertaProcessing or ByteLevel";

    public static SpecialTemplate Nothing { get; } = new([], []);

    /// <summary>What tokenizer.json's <c>post_processor</c> asks for. ByteLevel moves offsets only, which nobody here reads.</summary>
    /// <exception cref="LoraException">The file asks for a post-processor that is not implemented.</exception>
    public static SpecialTemplate Read(JsonPart part)
    {
        if (part.IsNull)
        {
            return Nothing;
        }

        return part.Type switch
        {
            "ByteLevel" => Nothing,
            "TemplateProcessing" => Template(part),
            "BertProcessing" or "RobertaProcessing" => new([Pair(part["cls"])], [Pair(part["sep"])]),
            "Sequence" => part["processors"].Items.Select(Read).Aggregate(Nothing, (inner, outer) => new([.. outer.Before, .. inner.Before], [.. inner.After, .. outer.After])),
            _ => throw part["type"].Refusal(Known),
        };
    }

    private static SpecialTemplate Template(JsonPart part)
    {
        var (before, after) = (new List<int>(), new List<int>());
        var texts = 0;
        foreach (var item in part["single"].Items)
        {
            if (item["Sequence"] is { IsNull: false } text)
            {
                texts++;
                RequireTypeZero(text);
                continue;
            }

            var token = item["SpecialToken"];
            RequireTypeZero(token);
            (texts == 0 ? before : after).AddRange(part["special_tokens"][token["id"].Text]["ids"].Items.Select(id => id.Number));
        }

        return texts == 1 ? new(before, after) : throw part["single"].Refusal("the Sequence A once");
    }

    // What encodes a text returns no token types: all of them must be 0.
    private static void RequireTypeZero(JsonPart item)
    {
        if (item["type_id"] is { IsNull: false, Number: not 0 } type)
        {
            throw type.Refusal("0");
        }
    }

    private static int Pair(JsonPart part)
        => part.Items.ToList() is [_, var id] ? id.Number : throw part.Refusal("a token and its id");
}
