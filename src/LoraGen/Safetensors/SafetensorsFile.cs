using LoraGen.Files;
using Microsoft.Win32.SafeHandles;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Safetensors;

/// <summary>
/// A safetensors file opened for reading: the header is checked as a whole before any tensor is made, and a tensor's bytes are read
/// straight into its own memory.
/// </summary>
/// <remarks>
/// Not through a memory map, which would save no copy here: a process that reads a mapped file which another program shortens meanwhile
/// is killed by the system, where a read that falls short is an exception like any other.
/// </remarks>
public sealed class SafetensorsFile : ITensorFile
{
    // What a core's cache holds beside its copy.
    private const long ConversionElements = 1 << 18;

    private readonly SafetensorsHeader _header;
    private readonly SafeFileHandle _file;

    private SafetensorsFile(string path, SafeFileHandle file)
    {
        (Path, _file) = (path, file);
        _header = SafetensorsHeader.Read(path, file);
    }

    /// <summary>The file that was opened.</summary>
    public string Path { get; }

    /// <summary>What the header says of every tensor, by key.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _header.Entries;

    /// <summary>The free strings of <c>__metadata__</c>; empty when the file has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    IEnumerable<string> ITensorFile.Keys => Entries.Keys;

    /// <summary>When the opened file, which another may have replaced since, was written.</summary>
    internal DateTime WrittenUtc => File.GetLastWriteTimeUtc(_file);

    /// <summary>Opens a file and checks its whole header.</summary>
    /// <exception cref="ArgumentException">The path is null, empty or white space.</exception>
    /// <exception cref="LoraException">The file cannot be opened, or is malformed, truncated or inconsistent.</exception>
    public static SafetensorsFile Open(string path)
    {
        GivenPath.Require(path);
        SafeFileHandle? file = null;
        try
        {
            RegularFile.RequireAt(path);

            // Delete: a save may replace the file while it is open, and it stays readable to us.
            file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
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

    StoredTensor? ITensorFile.Find(string key) => Entries.TryGetValue(key, out var entry) ? new StoredTensor(entry.Dtype, entry.Shape) : null;

    /// <summary>Reads one tensor into memory of its own, in the file's dtype, on the CPU.</summary>
    /// <exception cref="LoraException">The file has no such key, or was shortened after it was opened.</exception>
    public Tensor Read(string key)
    {
        var entry = Entry(key);
        var tensor = empty([.. entry.Shape], entry.Dtype, device: CPU);
        try
        {
            ReadInto(key, tensor);
            return tensor;
        }
        catch
        {
            tensor.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Reads one tensor into the memory of another: straight where the dtype is the file's and the device the CPU, else through a few
    /// megabytes, so that nothing is held twice.
    /// </summary>
    /// <param name="key">The tensor to read.</param>
    /// <param name="destination">A contiguous tensor of the same shape; without gradients, or under <c>no_grad</c>.</param>
    /// <exception cref="LoraException">
    /// The file has no such key, or was shortened after it was opened; or <paramref name="destination"/> is of another shape.
    /// </exception>
    public void ReadInto(string key, Tensor destination)
    {
        var entry = Entry(key);
        var place = $"{Path}: {Excerpt.Of(key)}";
        if (!destination.is_contiguous() || !destination.shape.SequenceEqual(entry.Shape))
        {
            throw new LoraException(
                $"{place}: expected a contiguous tensor [{string.Join(", ", entry.Shape)}] to read into, found " +
                $"{(destination.is_contiguous() ? "" : "another layout of ")}[{string.Join(", ", destination.shape)}].");
        }

        var offset = _header.DataStart + entry.Begin;
        if (destination.dtype == entry.Dtype && destination.device_type == DeviceType.CPU)
        {
            foreach (var piece in TensorBytes.Pieces(destination))
            {
                using (piece)
                {
                    ReadExactly(place, _file, piece.bytes, offset);
                    offset += piece.bytes.Length;
                }
            }

            return;
        }

        using var buffer = empty(Math.Min(destination.NumberOfElements, ConversionElements), entry.Dtype, device: CPU);
        foreach (var piece in TensorBytes.Pieces(destination, ConversionElements))
        {
            using (piece)
            using (var read = buffer.narrow(0, 0, piece.NumberOfElements))
            {
                ReadExactly(place, _file, read.bytes, offset);
                offset += read.bytes.Length;
                _ = piece.copy_(read);
            }
        }
    }

    private SafetensorsEntry Entry(string key) => Entries.TryGetValue(key, out var entry)
        ? entry
        : throw new LoraException($"{Path}: {Excerpt.Of(key)}: expected a tensor of this name, found {Entries.Count} others.");

    /// <summary>Fills a buffer from a place in the file on.</summary>
    /// <exception cref="LoraException">The file ends before, or the disk fails.</exception>
    internal static void ReadExactly(string place, SafeFileHandle file, Span<byte> buffer, long offset)
    {
        try
        {
            while (buffer.Length > 0)
            {
                var read = RandomAccess.Read(file, buffer, offset);
                if (read == 0)
                {
                    throw new LoraException($"{place}: expected {buffer.Length} more bytes from {offset} on, found the end of the file, which another program has shortened.");
                }

                buffer = buffer[read..];
                offset += read;
            }
        }
        catch (IOException e)
        {
            throw new LoraException($"{place}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Closes the file; tensors that were read stay valid.</summary>
    public void Dispose() => _file.Dispose();
}
