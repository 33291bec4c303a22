using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Peft;

/// <summary>The names of PEFT's two files and of what is in them.</summary>
internal static class PeftKeys
{
    public const string ConfigFile = "adapter_config.json";
    public const string WeightsFile = "adapter_model.safetensors";

    // Our own entries in the safetensors metadata, which PEFT ignores; an unknown key in the config would make older PEFT fail.

    /// <summary>The fingerprint of the base that the adapter was made for.</summary>
    public const string FingerprintMetadata = "loragen.base_fingerprint";

    /// <summary>SHA-256 of the bytes of the config that was saved together with the weights.</summary>
    public const string ConfigDigestMetadata = "loragen.config_sha256";

    /// <summary>What PEFT takes for <c>target_modules</c> that are to match nothing.</summary>
    public const string NoTargets = "dummy-target-modules";

    private const string Prefix = "base_model.model.";

    public static string A(string path, UpdateKind kind) => $"{Prefix}{path}.{kind.A}";

    public static string B(string path, UpdateKind kind) => $"{Prefix}{path}.{kind.B}";

    /// <summary>DoRA's magnitude, which PEFT keeps as a bare parameter.</summary>
    public static string Magnitude(string path) => $"{Prefix}{path}.{Dora.Magnitude}";

    /// <summary>The base's weight of an adapted embedding, which PEFT saves with the adapter.</summary>
    public static string BaseWeight(string path) => $"{Prefix}{path}.base_layer.weight";

    /// <summary>B's bias (<c>lora_bias</c>).</summary>
    public static string BBias(string path) => $"{Prefix}{path}.lora_B.bias";

    /// <summary>The base's bias of an adapted projection, which was trained (<c>bias</c>).</summary>
    public static string BaseBias(string path) => $"{Prefix}{path}.base_layer.bias";

    /// <summary>Rows of an embedding that were trained.</summary>
    public static string TokenRows(string path) => $"{Prefix}{path}.token_adapter.trainable_tokens_delta";

    /// <summary>The base's weight of such an embedding, which PEFT saves where the vocabulary was extended.</summary>
    public static string TokenBaseWeight(string path) => $"{Prefix}{path}.token_adapter.base_layer.weight";

    /// <summary>The keys of A, B and the magnitude of an update.</summary>
    public static IEnumerable<string> Of(LowRankUpdate update)
        => [A(update.Path, update.Kind), B(update.Path, update.Kind), .. update.Magnitude is null ? Array.Empty<string>() : [Magnitude(update.Path)]];

    /// <summary>A parameter of a projection that is saved whole: PEFT leaves <c>modules_to_save</c> and the adapter's name out.</summary>
    public static string Saved(string path, string name) => $"{Prefix}{path}.{name}";

    /// <summary>A parameter of the base, by its key there.</summary>
    public static string Whole(string key) => Prefix + key;

    /// <summary>What else a file holds of a projection, whose names in the adapter are PEFT's: what stands in for the base's, and B's bias.</summary>
    public static IEnumerable<KeyValuePair<string, Parameter>> OfOwn(LowRankUpdate update)
        => update.named_parameters()
            .Where(item => item.name != update.Kind.A && item.name != update.Kind.B && item.name != Dora.Magnitude)
            .Select(item => KeyValuePair.Create(Saved(update.Path, item.name), item.parameter));

    /// <summary>Whether an adapter's tensors may be stored in a dtype: what is saved must be what is loaded.</summary>
    public static bool CanHold(ScalarType dtype) => dtype is ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16;
}
