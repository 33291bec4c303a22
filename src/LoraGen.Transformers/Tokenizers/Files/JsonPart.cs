using System.Text.Json;
using LoraGen.Transformers.Checkpoints;

namespace LoraGen.Transformers.Tokenizers.Files;

/// <summary>A value in a JSON file that knows its place, so that whoever expects something else of it refuses it by file and key.</summary>
internal readonly record struct JsonPart(string File, string Key, JsonElement Value)
{
    /// <summary>The root of a file.</summary>
    /// <exception cref="LoraException">The file is missing, or is not a JSON object.</exception>
    public static JsonPart Read(string file)
    {
        var root = JsonFile.Read(file, allowDuplicateKeys: true); // Hugging Face takes the last.
        return root.ValueKind == JsonValueKind.Object ? new(file, "", root) : throw new LoraException($"{file}: expected a JSON object, found {Excerpt(root.GetRawText())}.");
    }

    /// <summary>Whether the key is absent or null.</summary>
    public bool IsNull => Value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null;

    public bool IsText => Value.ValueKind == JsonValueKind.String;

    public bool IsList => Value.ValueKind == JsonValueKind.Array;

    /// <summary>A member of this object; it may be absent.</summary>
    public JsonPart this[string name] => Value.ValueKind == JsonValueKind.Object
        ? new(File, Key.Length == 0 ? name : $"{Key}.{name}", Value.TryGetProperty(name, out var member) ? member : default)
        : throw Refusal("an object");

    public string Type => this["type"].Text;

    public string Text => IsText ? Value.GetString()! : throw Refusal("a string");

    public int Number => Value.ValueKind == JsonValueKind.Number && Value.TryGetInt32(out var number) ? number : throw Refusal("a whole number");

    public double Real => Value.ValueKind == JsonValueKind.Number ? Value.GetDouble() : throw Refusal("a number");

    public IEnumerable<JsonPart> Items
    {
        get
        {
            var (file, key) = (File, Key);
            return IsList ? Value.EnumerateArray().Select((item, index) => new JsonPart(file, $"{key}[{index}]", item)) : throw Refusal("a list");
        }
    }

    public IEnumerable<(string Name, JsonPart Value)> Members
    {
        get
        {
            var (file, key) = (File, Key);
            return Value.ValueKind == JsonValueKind.Object
                ? Value.EnumerateObject().Select(member => (member.Name, new JsonPart(file, key.Length == 0 ? member.Name : $"{key}.{member.Name}", member.Value)))
                : throw Refusal("an object");
        }
    }

    /// <summary>A switch, or what it is where the file does not say.</summary>
    public bool Flag(bool absent) => IsNull ? absent : Value.ValueKind is JsonValueKind.True or JsonValueKind.False ? Value.GetBoolean() : throw Refusal("true or false");

    /// <summary>A string, or what it is where the file does not say.</summary>
    public string TextOr(string absent) => IsNull ? absent : Text;

    /// <summary>What a message quotes: never so much that nobody could read it.</summary>
    public static string Excerpt(string text) => text.Length > 200 ? $"{text[..200]}... ({text.Length} characters)" : text;

    public LoraException Refusal(string expected, Exception? cause = null)
        => new($"{File}: {Key}: expected {expected}, found {(IsNull ? "nothing" : Excerpt(Value.GetRawText()))}.", cause);
}
