using System.Text.Json.Nodes;

namespace LoraGen.Transformers.Checkpoints;

/// <summary>The classes of a classifier, as a <c>config.json</c> gives them.</summary>
internal static class Labels
{
    // What transformers means by a config without id2label and num_labels, and the reason why it does not write them for two classes.
    private const int Unwritten = 2;

    /// <summary>The number of classes: of <c>id2label</c>, else <c>num_labels</c>, else 2.</summary>
    /// <exception cref="LoraException">The two differ, one is malformed, or <c>id2label</c> does not count from 0.</exception>
    public static int Count(ConfigFile file)
    {
        var named = Named(file);
        var given = Given(file);
        file.Require("num_labels", named is null || given is null || named == given, $"{named}, the number of classes in id2label");
        return named ?? given ?? Unwritten;
    }

    private static int? Named(ConfigFile file)
    {
        if (file.Json["id2label"] is not { } node)
        {
            return null;
        }

        var ids = (node as JsonObject)?.Select(item => int.TryParse(item.Key, out var id) ? id : -1).Order().ToList();
        file.Require("id2label", ids is { Count: > 0 } && ids.SequenceEqual(Enumerable.Range(0, ids.Count)), "an object with the keys 0, 1, ...");
        return ids!.Count;
    }

    private static int? Given(ConfigFile file)
    {
        if (file.Json["num_labels"] is not { } node)
        {
            return null;
        }

        var isCount = node is JsonValue value && value.TryGetValue<int>(out var count) && count > 0;
        file.Require("num_labels", isCount, "a positive number");
        return (int)node;
    }
}
