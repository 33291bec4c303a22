using System.Text.Json;

namespace LoraGen.Files;

/// <summary>The strings of a JSON document, which System.Text.Json decodes only when they are asked for.</summary>
public static class JsonStrings
{
    /// <summary>Decodes every string and every name, so that none fails later.</summary>
    /// <param name="value">A value with all that is in it.</param>
    /// <exception cref="InvalidOperationException">A string holds half a character: bytes that are no UTF-8, or <c>\ud800</c> without its other half.</exception>
    public static void Decode(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                _ = value.GetString();
                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray())
                {
                    Decode(item);
                }

                break;
            case JsonValueKind.Object:
                foreach (var member in value.EnumerateObject())
                {
                    _ = member.Name;
                    Decode(member.Value);
                }

                break;
        }
    }
}
