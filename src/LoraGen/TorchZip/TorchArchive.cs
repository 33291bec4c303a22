using System.IO.Compression;
using LoraGen.Files;
using LoraGen.Safetensors;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.TorchZip;

/// <summary>
/// The zip archive that <c>torch.save</c> writes: one folder, with <c>data.pkl</c>, one entry <c>data/N</c> for each storage, and a few
/// small ones. All entries are stored, so none unpacks to more than the file has.
/// </summary>
/// <remarks>The entries' checksums are not compared: torch does not, and can be told to write none that fit.</remarks>
internal sealed class TorchArchive : IDisposable
{
    // The number that the format before PyTorch 1.6 begins with, as a pickle.
    private static readonly byte[] OldFormat = [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19];

    private static readonly byte[] LocalHeader = "PK\x03\x04"u8.ToArray();

    private readonly string _path;
    private readonly ZipArchive _zip;
    private readonly Dictionary<string, ZipArchiveEntry> _entries = new(StringComparer.Ordinal);

    private TorchArchive(string path, FileStream file)
    {
        _path = path;
        Length = file.Length;
        RequireZip(file);
        _zip = Typed(path, () => new ZipArchive(file, ZipArchiveMode.Read));
        foreach (var entry in Typed(path, () => _zip.Entries))
        {
            Add(entry);
        }

        CheckLayout();
    }

    /// <summary>The file's length in bytes.</summary>
    public long Length { get; }

    /// <summary>Opens the archive and checks all that is known without its pickle. The stream is closed with it, and if it is refused.</summary>
    /// <exception cref="LoraException">It is no such archive.</exception>
    public static TorchArchive Open(string path, FileStream file)
    {
        try
        {
            return new TorchArchive(path, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The bytes of <c>data.pkl</c>.</summary>
    public byte[] Pickle()
    {
        var entry = _entries["data.pkl"];
        if (entry.Length > SafetensorsHeader.MaxBytes)
        {
            throw Bad($"data.pkl: expected at most {SafetensorsHeader.MaxBytes} bytes, found {entry.Length}");
        }

        var bytes = new byte[entry.Length];
        ReadExactly(entry, stream => stream.ReadExactly(bytes));
        return bytes;
    }

    /// <summary>Requires that an entry holds exactly the bytes of a storage.</summary>
    /// <exception cref="LoraException">There is none of that name, or of another length.</exception>
    public void Require(PickleStorage storage)
    {
        var name = NameOf(storage);
        if (!_entries.TryGetValue(name, out var entry))
        {
            throw Bad($"{Excerpt.Of(name)}: expected an entry of this name, found none");
        }

        if (Math.DivRem(entry.Length, storage.BytesPerElement) != (storage.Elements, 0))
        {
            throw Bad($"{Excerpt.Of(name)}: expected {storage.Elements} elements of {storage.BytesPerElement} bytes, found {entry.Length} bytes");
        }
    }

    /// <summary>Fills a contiguous CPU tensor from a storage of as many bytes.</summary>
    /// <exception cref="LoraException">The file was changed after it was opened, or the disk fails.</exception>
    public void Read(PickleStorage storage, Tensor tensor) => ReadExactly(_entries[NameOf(storage)], stream =>
    {
        foreach (var piece in TensorBytes.Pieces(tensor))
        {
            using (piece)
            {
                stream.ReadExactly(piece.bytes);
            }
        }
    });

    private static string NameOf(PickleStorage storage) => $"data/{storage.Key}";

    private void RequireZip(FileStream file)
    {
        Span<byte> begin = stackalloc byte[OldFormat.Length];
        begin = begin[..Read(file, begin)];
        file.Position = 0;
        if (begin.SequenceEqual(OldFormat))
        {
            throw Bad("expected the zip format of PyTorch 1.6 and later, found the format before it. In Python: torch.save(torch.load(path, weights_only=True), path)");
        }

        if (!begin.StartsWith(LocalHeader))
        {
            throw Bad("expected a zip archive, found other bytes at its beginning");
        }
    }

    private int Read(FileStream file, Span<byte> buffer)
    {
        try
        {
            return file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        }
        catch (IOException e)
        {
            throw new LoraException($"{_path}: cannot be read: {e.Message}", e);
        }
    }

    // Names are kept without the archive's one folder.
    private void Add(ZipArchiveEntry entry)
    {
        var slash = entry.FullName.IndexOf('/');
        var name = entry.FullName[(slash + 1)..];
        if (slash <= 0 || !entry.FullName.AsSpan(0, slash).SequenceEqual(Folder(entry.Archive)))
        {
            throw Bad($"{Excerpt.Of(entry.FullName)}: expected all entries in one folder, found one outside");
        }

        if (entry.IsEncrypted || entry.CompressedLength != entry.Length)
        {
            throw Bad($"{Excerpt.Of(name)}: expected stored bytes, found {(entry.IsEncrypted ? "encrypted" : "compressed")} ones");
        }

        if (!_entries.TryAdd(name, entry))
        {
            throw Bad($"{Excerpt.Of(name)}: expected one entry of this name, found two");
        }
    }

    private static ReadOnlySpan<char> Folder(ZipArchive zip)
    {
        var first = zip.Entries[0].FullName;
        return first.AsSpan(0, Math.Max(0, first.IndexOf('/')));
    }

    private void CheckLayout()
    {
        if (_entries.ContainsKey("constants.pkl"))
        {
            throw Bad("expected a file of torch.save, found a program of TorchScript (constants.pkl)");
        }

        if (!_entries.ContainsKey("data.pkl"))
        {
            throw Bad("data.pkl: expected an entry of this name, found none");
        }

        // Entries of the same bytes would unpack to many times the file.
        var room = Length;
        foreach (var entry in _entries.Values)
        {
            room -= entry.Length;
            if (entry.Length < 0 || room < 0)
            {
                throw Bad($"expected entries of at most {Length} bytes together, which the file has, found more");
            }
        }

        if (_entries.TryGetValue("byteorder", out var order))
        {
            var text = new byte[Math.Min(16, order.Length)];
            ReadExactly(order, stream => stream.ReadExactly(text));
            if (!text.AsSpan().SequenceEqual("little"u8))
            {
                throw Bad($"byteorder: expected little, found {System.Text.Encoding.Latin1.GetString(text)}. Save it again on a machine with little-endian numbers");
            }
        }
    }

    // One stream lies beneath all entries.
    private void ReadExactly(ZipArchiveEntry entry, Action<Stream> read)
    {
        lock (_zip)
        {
            Typed($"{_path}: {Excerpt.Of(entry.FullName)}", () =>
            {
                using var stream = entry.Open();
                read(stream);
                return true;
            });
        }
    }

    private static T Typed<T>(string place, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is InvalidDataException or IOException or NotSupportedException or ArgumentException)
        {
            throw new LoraException($"{place}: expected an intact zip archive, found an error: {Excerpt.Of(e.Message.TrimEnd('.'))}.", e);
        }
    }

    private LoraException Bad(string what) => new($"{_path}: not a file of tensors that torch.save wrote: {what}.");

    public void Dispose() => _zip.Dispose();
}
