namespace LoraGen.Peft;

/// <summary>The names of PEFT's two files and of the tensors in them.</summary>
internal static class PeftKeys
{
    public const string ConfigFile = "adapter_config.json";
    public const string WeightsFile = "adapter_model.safetensors";

    /// <summary>Our own entry in the safetensors metadata, which PEFT ignores; an unknown key in the config would make older PEFT fail.</summary>
    public const string FingerprintMetadata = "loragen.base_fingerprint";

    private const string Prefix = "base_model.model.";
    private const string SuffixOfA = ".lora_A.weight";

    public static string A(string path) => $"{Prefix}{path}{SuffixOfA}";

    public static bool IsA(string key) => key.EndsWith(SuffixOfA, StringComparison.Ordinal);

    public static string B(string path) => $"{Prefix}{path}.lora_B.weight";
}
