using System.Text.Json;
using System.Text.Json.Nodes;

namespace LoraGen.Transformers.Checkpoints;

/// <summary>The checks that the configs of several architectures have in common.</summary>
internal static class ConfigKeys
{
    /// <summary>The keys that a record declares.</summary>
    public static IEnumerable<string> Of<TConfig>() => JsonSerializerOptions.Default.GetTypeInfo(typeof(TConfig)).Properties.Select(property => property.Name);

    /// <exception cref="LoraException">A condition on a value does not hold.</exception>
    public static void Require(this ConfigFile file, string key, bool holds, string expected)
    {
        if (!holds)
        {
            throw file.Refusal(key, expected, file.Json[key]?.ToJsonString());
        }
    }

    /// <exception cref="LoraException">The key asks for something: it is there and neither null, false nor empty.</exception>
    public static void RequireOff(this ConfigFile file, string key)
    {
        var value = file.Json[key];
        var asksForNothing = value is null or JsonArray { Count: 0 } or JsonObject { Count: 0 } || value.GetValueKind() == JsonValueKind.False;
        file.Require(key, asksForNothing, "nothing, since it is not implemented");
    }

    /// <exception cref="LoraException">One of the sizes is there and is not positive.</exception>
    public static void RequirePositive(this ConfigFile file, params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            file.Require(key, file.Json[key] is null || (double)file.Json[key]! > 0, "a positive number");
        }
    }

    /// <exception cref="LoraException">One of the probabilities is there and is not in [0, 1).</exception>
    public static void RequireProbability(this ConfigFile file, params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            file.Require(key, file.Json[key] is null || (double)file.Json[key]! is >= 0 and < 1, "a probability in [0, 1)");
        }
    }
}
