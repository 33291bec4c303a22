using static TorchSharp.torch;

namespace LoraGen.Files;

/// <summary>A file of named tensors, whichever its format: checked when it was opened, and each tensor read when it is asked for.</summary>
internal interface ITensorFile : IDisposable
{
    string Path { get; }

    IEnumerable<string> Keys { get; }

    /// <summary>The file's free strings; empty where its format has none.</summary>
    IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>What the file says of a tensor; null where it has none of this name.</summary>
    StoredTensor? Find(string key);

    /// <summary>Reads one tensor into memory of its own, in the file's dtype, on the CPU.</summary>
    /// <exception cref="LoraException">The file has no such key, or was changed after it was opened.</exception>
    Tensor Read(string key);
}

/// <summary>What a file says of one tensor.</summary>
internal sealed record StoredTensor(ScalarType Dtype, IReadOnlyList<long> Shape);
