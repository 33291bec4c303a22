using System.Text.Json;

namespace LoraGen.Transformers.Checkpoints;

/// <summary>A JSON file whose strings are text throughout.</summary>
internal static class JsonFile
{
    /// <summary>Reads the root of a file.</summary>
    /// <exception cref="LoraException">The file is missing, is not JSON, or has a string with half a character in it.</exception>
    public static JsonElement Read(string path, bool allowDuplicateKeys = false)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { AllowDuplicateProperties = allowDuplicateKeys });
            RequireText(document.RootElement);
            return document.RootElement.Clone();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new LoraException($"{path}: cannot be read as JSON: {e.Message}", e);
        }
        catch (InvalidOperationException e)
        {
            // Bytes that are no UTF-8, or \ud800 without its other half: System.Text.Json finds out only when a string is asked for.
            throw new LoraException($"{path}: expected strings of whole characters, found one that is not: {e.Message}", e);
        }
    }

    private static void RequireText(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                _ = element.GetString();
                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                {
                    RequireText(item);
                }

                break;
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                {
                    _ = member.Name;
                    RequireText(member.Value);
                }

                break;
        }
    }
}
