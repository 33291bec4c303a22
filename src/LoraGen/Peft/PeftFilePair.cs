using LoraGen.Files;
using LoraGen.Safetensors;

namespace LoraGen.Peft;

/// <summary>The weights of an adapter, opened, and the config that was saved with them; see <see cref="PeftAdapterWriter"/>.</summary>
/// <param name="Weights">Null where the folder has none.</param>
/// <param name="ConfigPath">Where the config was found.</param>
/// <param name="Config">Its bytes.</param>
internal sealed record PeftFilePair(SafetensorsFile? Weights, string ConfigPath, byte[] Config)
{
    private const int Attempts = 100;

    /// <summary>
    /// Opens the pair that belongs together, also while others save. Weights of another tool name no config, and adapter_config.json is
    /// theirs; so it is where someone edited it by hand, which then counts.
    /// </summary>
    /// <exception cref="LoraException">There is no config, a file cannot be read, or the weights' header is malformed.</exception>
    public static PeftFilePair Open(string folder)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var weights = OpenWeights(folder);
            try
            {
                if (ConfigOf(weights, folder) is { } config)
                {
                    return new PeftFilePair(weights, config.Path, config.Content);
                }
            }
            catch (Exception e)
            {
                weights?.Dispose();
                if (e is IOException or UnauthorizedAccessException)
                {
                    throw new LoraException($"{Path.Combine(folder, PeftKeys.ConfigFile)}: cannot be read: {e.Message}", e);
                }

                throw;
            }

            weights?.Dispose();
        }

        throw new LoraException($"{folder}: expected files that stay while they are read, found them replaced {Attempts} times.");
    }

    private static SafetensorsFile? OpenWeights(string folder)
    {
        var path = Path.Combine(folder, PeftKeys.WeightsFile);
        return File.Exists(path) ? SafetensorsFile.Open(path) : null;
    }

    /// <summary>Null where a save came between: then the weights are no longer the folder's.</summary>
    private static (string Path, byte[] Content)? ConfigOf(SafetensorsFile? weights, string folder)
    {
        var path = Path.Combine(folder, PeftKeys.ConfigFile);
        var digest = DigestIn(weights);
        if (digest is not null)
        {
            foreach (var place in StagedFile.AllOf(path).Prepend(path))
            {
                if (Read(place) is { } content && PeftAdapterWriter.Digest(content) == digest)
                {
                    return (place, content);
                }
            }
        }

        // At none of these places: a running save has renamed the staged one since, or someone wrote another after the save. Either is the
        // one here, unless a save came between and the folder's weights are others by now.
        var config = Read(path) ?? throw new LoraException($"{path}: expected the config of an adapter, found no such file.");
        using var now = OpenWeights(folder);
        return now?.WrittenUtc == weights?.WrittenUtc && DigestIn(now) == digest ? (path, config) : null;
    }

    private static string? DigestIn(SafetensorsFile? weights) => weights?.Metadata.GetValueOrDefault(PeftKeys.ConfigDigestMetadata);

    // Null where there is none, which between the two renames of a first save is no error.
    private static byte[]? Read(string path)
    {
        try
        {
            // Where a running save still writes it, what we read is not it.
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            var content = new byte[file.Length];
            file.ReadExactly(content);
            return content;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}
