using System.IO.MemoryMappedFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Safetensors;

/// <summary>
/// A safetensors file opened for reading through a memory map: the header is checked as a whole before any tensor is made, and a
/// tensor's bytes are copied once, from the map into its own memory.
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    private readonly SafetensorsHeader _header;
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;

    private SafetensorsFile(string path, FileStream file)
    {
        Path = path;
        _header = SafetensorsHeader.Read(path, file);
        _map = MemoryMappedFile.CreateFromFile(file, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
    }

    /// <summary>The file that was opened.</summary>
    public string Path { get; }

    /// <summary>What the header says of every tensor, by key.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _header.Entries;

    /// <summary>The free strings of <c>__metadata__</c>; empty when the file has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks its whole header.</summary>
    /// <exception cref="LoraException">The file cannot be opened, or is malformed, truncated or inconsistent.</exception>
    public static SafetensorsFile Open(string path)
    {
        FileStream? file = null;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            return new SafetensorsFile(path, file);
        }
        catch (Exception e)
        {
            file?.Dispose();
            if (e is IOException or UnauthorizedAccessException)
            {
                throw new LoraException($"{path}: cannot be opened: {e.Message}", e);
            }

            throw;
        }
    }

    /// <summary>Copies one tensor into memory of its own, in the file's dtype, on the CPU.</summary>
    /// <exception cref="LoraException">The file has no such key.</exception>
    public Tensor Read(string key)
    {
        if (!Entries.TryGetValue(key, out var entry))
        {
            throw new LoraException($"{Path}: {key}: expected a tensor of this name, found {Entries.Count} others.");
        }

        var tensor = empty([.. entry.Shape], entry.Dtype);
        var offset = _view.PointerOffset + _header.DataStart + entry.Begin;
        foreach (var piece in TensorBytes.Pieces(tensor))
        {
            var bytes = piece.bytes;
            _view.SafeMemoryMappedViewHandle.ReadSpan((ulong)offset, bytes);
            offset += bytes.Length;
            piece.Dispose();
        }

        return tensor;
    }

    /// <summary>Closes the map; tensors that were read stay valid.</summary>
    public void Dispose()
    {
        _view.Dispose();
        _map.Dispose();
    }
}
