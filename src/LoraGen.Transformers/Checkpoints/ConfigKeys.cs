using System.Text.Json;
using System.Text.Json.Nodes;

namespace LoraGen.Transformers.Checkpoints;

/// <summary>Which keys of a <c>config.json</c> an architecture implements.</summary>
internal static class ConfigKeys
{
    /// <summary>The keys that a record declares.</summary>
    public static IEnumerable<string> Of<TConfig>() => JsonSerializerOptions.Default.GetTypeInfo(typeof(TConfig)).Properties.Select(property => property.Name);

    /// <exception cref="LoraException">The file is for another architecture.</exception>
    public static void RequireModelType(this ConfigFile file, params ReadOnlySpan<string> modelTypes)
    {
        if (file.Text("model_type") is var found && !modelTypes.Contains(found))
        {
            throw file.Refusal("model_type", string.Join(" or ", modelTypes!), found);
        }
    }

    /// <exception cref="LoraException">A key asks for something: it is there and neither null, false nor empty.</exception>
    public static void RequireOff(this ConfigFile file, params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            var value = file.Json[key];
            var asksForNothing = value is null or JsonArray { Count: 0 } or JsonObject { Count: 0 } || value.GetValueKind() == JsonValueKind.False;
            if (!asksForNothing)
            {
                throw file.Refusal(key, "nothing, since it is not implemented", value!.ToJsonString());
            }
        }
    }
}
