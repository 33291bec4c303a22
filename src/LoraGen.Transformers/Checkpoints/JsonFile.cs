using System.Text.Json;
using LoraGen.Files;

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
            JsonStrings.Decode(document.RootElement);
            return document.RootElement.Clone();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new LoraException($"{path}: cannot be read as JSON: {e.Message}", e);
        }
        catch (InvalidOperationException e)
        {
            throw new LoraException($"{path}: expected strings of whole characters, found one that is not: {e.Message}", e);
        }
    }
}
