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
        return named is null || given is null || named == given
            ? named ?? given ?? Unwritten
            : throw file.Refusal("num_labels", $"{named}, the number of classes in id2label", $"{given}");
    }

    /// <summary>Says in a file's content which class it is for, and how many classes its classifier has.</summary>
    public static void Describe(JsonObject config, string architecture, int count)
    {
        config["architectures"] = new JsonArray(architecture);
        Write(config, count);
    }

    /// <summary>Writes a number of classes where the config has another: without names, as transformers does.</summary>
    private static void Write(JsonObject config, int count)
    {
        if (((config["id2label"] as JsonObject)?.Count ?? (int?)config["num_labels"] ?? Unwritten) == count)
        {
            return;
        }

        config.Remove("num_labels");
        config["id2label"] = new JsonObject(Enumerable.Range(0, count).Select(id => KeyValuePair.Create($"{id}", (JsonNode?)$"LABEL_{id}")));
        config["label2id"] = new JsonObject(Enumerable.Range(0, count).Select(id => KeyValuePair.Create($"LABEL_{id}", (JsonNode?)id)));
    }

    private static int? Named(ConfigFile file)
    {
        if (file.Json["id2label"] is not { } node)
        {
            return null;
        }

        var ids = (node as JsonObject)?.Select(item => int.TryParse(item.Key, out var id) ? id : -1).Order().ToList();
        return ids is { Count: > 0 } && ids.SequenceEqual(Enumerable.Range(0, ids.Count))
            ? ids.Count
            : throw file.Refusal("id2label", "an object with the keys 0, 1, ...", node.ToJsonString());
    }

    private static int? Given(ConfigFile file)
    {
        if (file.Json["num_labels"] is not { } node)
        {
            return null;
        }

        return node is JsonValue value && value.TryGetValue<int>(out var count) && count > 0
            ? count
            : throw file.Refusal("num_labels", "a positive number", node.ToJsonString());
    }
}
