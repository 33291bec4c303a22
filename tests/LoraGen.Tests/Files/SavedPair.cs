using System.Security.Cryptography;
using LoraGen.Tests.Reference;

namespace LoraGen.Tests.Files;

/// <summary>The two files of a saved adapter as bytes, and what ties them together, without the library.</summary>
internal sealed record SavedPair(byte[] Weights, byte[] Config)
{
    /// <summary>Whether the weights in a folder record the SHA-256 of its adapter_config.json.</summary>
    public static bool Fits(string folder)
    {
        var config = Path.Combine(folder, "adapter_config.json");
        var recorded = SafetensorsBytes.Parse(File.ReadAllBytes(Path.Combine(folder, "adapter_model.safetensors"))).Metadata!["loragen.config_sha256"];
        return File.Exists(config) && recorded == Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(config)));
    }

    /// <summary>What an adapter's Save writes.</summary>
    public static SavedPair Of(LoraAdapter adapter)
    {
        using var folder = new ScratchFolder();
        adapter.Save(folder.Path);
        return new SavedPair(File.ReadAllBytes(folder.PathOf("adapter_model.safetensors")), File.ReadAllBytes(folder.PathOf("adapter_config.json")));
    }
}
