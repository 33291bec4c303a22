using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using LoraGen.Files;
using LoraGen.Safetensors;
using static TorchSharp.torch;

namespace LoraGen.Peft;

/// <summary>
/// Saves the two files of an adapter as one: whenever the folder is read and whenever the save is cut off, it holds the old adapter or the
/// new one.
/// </summary>
/// <remarks>
/// No file system renames two files in one step. So the weights name their config by its SHA-256, and a save goes
/// (1) write both files under temporary names, (2) rename the weights, (3) rename the config. Until (2) the folder holds the old adapter,
/// from (2) on the new one, whose config is the temporary file until (3); <see cref="PeftFilePair"/> finds it there. PEFT goes by the
/// files' names alone: between (2) and (3), and where a crash came between them until the next save, it sees the new weights with the
/// old config.
/// </remarks>
internal static class PeftAdapterWriter
{
    /// <summary>Replaces the adapter in a folder, which is made if need be.</summary>
    /// <exception cref="ArgumentException">The folder is null, empty or white space.</exception>
    /// <exception cref="LoraException">
    /// A tensor is gone or of a dtype that an adapter is not stored in, another save into this folder is running, or the folder cannot be
    /// written.
    /// </exception>
    public static void Write(string folder, IReadOnlyList<LowRankUpdate> updates, IReadOnlyList<LowRankUpdate> owners, AdapterBuilder builder)
    {
        GivenPath.Require(folder);
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var place = Path.Combine(folder, PeftKeys.WeightsFile);
        Write(
            folder,
            PeftConfigWriter.Write(updates, owners, builder),
            owners.SelectMany(update => Tensors(place, update)),
            [KeyValuePair.Create(PeftKeys.FingerprintMetadata, builder.BaseFingerprint!)]);
    }

    /// <summary>Replaces the adapter in a folder, which is made if need be, by these tensors with this config.</summary>
    /// <exception cref="ArgumentException">The folder is null, empty or white space.</exception>
    /// <exception cref="LoraException">Another save into this folder is running, or the folder cannot be written.</exception>
    public static void Write(
        string folder, JsonObject options, IEnumerable<KeyValuePair<string, Tensor>> tensors, IEnumerable<KeyValuePair<string, string>> metadata)
    {
        GivenPath.Require(folder);
        var (weightsPath, configPath) = (Path.Combine(folder, PeftKeys.WeightsFile), Path.Combine(folder, PeftKeys.ConfigFile));
        var config = Utf8(options);
        var weights = SafetensorsWriter.Content(weightsPath, tensors, new Dictionary<string, string>(metadata)
        {
            ["format"] = "pt",
            [PeftKeys.ConfigDigestMetadata] = Digest(config),
        });

        using var folderLock = FolderLock.Take(folder);
        RequireReplaceable(configPath);

        // Left by saves that were cut off: while we hold the lock, no other is running. Staged weights are nobody's. A staged config may be
        // that of the old adapter, and stays until there is a new one.
        Remove(StagedFile.AllOf(weightsPath));
        Replace((weightsPath, weights), (configPath, stream => stream.Write(config)));
        Remove(StagedFile.AllOf(configPath));
    }

    /// <summary>SHA-256 in lower-case hexadecimal.</summary>
    public static string Digest(byte[] config) => Convert.ToHexStringLower(SHA256.HashData(config));

    // By the writer: the serializer needs reflection, which a trimmed program does not have.
    private static byte[] Utf8(JsonObject config)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            config.WriteTo(writer);
        }

        return stream.ToArray();
    }

    private static IEnumerable<KeyValuePair<string, Tensor>> Tensors(string path, LowRankUpdate update)
    {
        update.RequireAlive();
        var own = PeftKeys.OfOwn(update).Select(item => Storable(item.Key, item.Value));
        if (!update.IsTargeted)
        {
            return own;
        }

        var (a, b) = update.Whole();
        Tensor[] tensors = [a, b, .. update.Magnitude is null ? Array.Empty<Tensor>() : [update.Magnitude]];
        return PeftKeys.Of(update).Zip(tensors, Storable).Concat(own);

        KeyValuePair<string, Tensor> Storable(string key, Tensor tensor) => PeftKeys.CanHold(tensor.dtype)
            ? KeyValuePair.Create(key, tensor)
            : throw new LoraException($"{path}: {key}: expected Float32, Float16 or BFloat16, found {tensor.dtype}. Call adapter.to(ScalarType.Float32) before Save.");
    }

    // After the weights are renamed it would be too late to find out.
    private static void RequireReplaceable(string configPath)
    {
        if (Directory.Exists(configPath))
        {
            throw new LoraException($"{configPath}: expected a file or nothing, found a folder.");
        }
    }

    private static void Replace((string Path, Action<Stream> Write) weights, (string Path, Action<Stream> Write) config)
    {
        var (newWeights, newConfig) = (new StagedFile(weights.Path), new StagedFile(config.Path));
        try
        {
            newWeights.Write(weights.Write);
            newConfig.Write(config.Write);
            newWeights.Commit();
        }
        catch
        {
            newWeights.Discard();
            newConfig.Discard();
            throw;
        }

        // From here on the folder holds the new adapter. What is left to do moves its config to where PEFT looks.
        try
        {
            newConfig.Commit();
        }
        catch (LoraException e)
        {
            throw new LoraException(
                $"{e.Message} The new weights are saved, and their config is {newConfig.TemporaryPath}, where Load finds it and PEFT does not. Remove what is in the way and save again.", e);
        }
    }

    private static void Remove(IEnumerable<string> left)
    {
        foreach (var path in left)
        {
            StagedFile.Remove(path);
        }
    }
}
