using System.Text;
using System.Text.Json;

namespace LoraGen.Safetensors;

/// <summary>
/// The checked header of a safetensors file: 8 bytes of little-endian length, then JSON
/// <c>{key: {dtype, shape, data_offsets: [begin, end]}, "__metadata__": {string: string}}</c>, then the data without holes or overlaps.
/// </summary>
internal sealed class SafetensorsHeader
{
    private const int LengthBytes = 8;

    // The format's own limit; it also bounds what a hostile length can make us allocate.
    private const long MaxHeaderBytes = 100_000_000;

    private readonly string _path;
    private readonly Dictionary<string, SafetensorsEntry> _entries = [];
    private readonly Dictionary<string, string> _metadata = [];

    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _entries;
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Where the data begins in the file.</summary>
    public long DataStart { get; }

    private SafetensorsHeader(string path, Stream file)
    {
        _path = path;
        var fileLength = file.Length;
        if (fileLength < LengthBytes)
        {
            throw Bad($"expected at least {LengthBytes} bytes of header length, found a file of {fileLength} bytes");
        }

        using var reader = new BinaryReader(file, Encoding.UTF8, leaveOpen: true);
        var declared = reader.ReadUInt64();
        var room = (ulong)Math.Min(MaxHeaderBytes, fileLength - LengthBytes);
        if (declared > room)
        {
            throw Bad($"expected a header of at most {room} bytes, found a declared length of {declared}");
        }

        DataStart = LengthBytes + (long)declared;
        Parse(reader.ReadBytes((int)declared));
        CheckLayout(fileLength - DataStart);
    }

    /// <summary>Reads and checks the header; the file's position is afterwards undefined.</summary>
    /// <exception cref="LoraException">The header is malformed or does not fit the file.</exception>
    public static SafetensorsHeader Read(string path, Stream file) => new(path, file);

    private void Parse(byte[] json)
    {
        try
        {
            // Tensor entries are three levels deep; anything deeper is not this format.
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 4, AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw Bad($"expected a JSON object as header, found {document.RootElement.ValueKind}");
            }

            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (property.NameEquals("__metadata__"))
                {
                    ParseMetadata(property.Value);
                }
                else
                {
                    _entries.Add(property.Name, ParseEntry(property.Name, property.Value));
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or DecoderFallbackException)
        {
            throw Bad($"the header is not valid JSON: {e.Message}", e);
        }
    }

    private void ParseMetadata(JsonElement metadata)
    {
        if (metadata.ValueKind != JsonValueKind.Object)
        {
            throw Bad($"__metadata__: expected an object of strings, found {metadata.ValueKind}");
        }

        foreach (var item in metadata.EnumerateObject())
        {
            _metadata[item.Name] = item.Value.ValueKind == JsonValueKind.String
                ? item.Value.GetString()!
                : throw Bad($"__metadata__.{item.Name}: expected a string, found {item.Value.ValueKind}");
        }
    }

    private SafetensorsEntry ParseEntry(string key, JsonElement entry)
    {
        if (entry.ValueKind != JsonValueKind.Object)
        {
            throw Bad($"{key}: expected an object with dtype, shape and data_offsets, found {entry.ValueKind}");
        }

        var dtypeName = Member("dtype", JsonValueKind.String).GetString()!;
        if (!SafetensorsDtype.TryParse(dtypeName, out var dtype, out var bytesPerElement))
        {
            throw Bad($"{key}: expected a dtype out of {SafetensorsDtype.Names}, found {dtypeName}");
        }

        var shape = Integers("shape");
        var offsets = Integers("data_offsets");
        if (offsets is not [var begin, var end] || begin > end)
        {
            throw Bad($"{key}: expected data_offsets [begin, end] with begin <= end, found [{string.Join(", ", offsets)}]");
        }

        long bytes;
        try
        {
            // An empty tensor has strides too, and they must not overflow either.
            var nonzero = shape.Where(size => size > 0).Aggregate((long)bytesPerElement, (product, size) => checked(product * size));
            bytes = shape.Contains(0) ? 0 : nonzero;
        }
        catch (OverflowException)
        {
            throw Bad($"{key}: the shape [{string.Join(", ", shape)}] is larger than any file");
        }

        return bytes == end - begin
            ? new SafetensorsEntry(key, dtype, shape, begin, end)
            : throw Bad($"{key}: {dtypeName} [{string.Join(", ", shape)}] takes {bytes} bytes, found data_offsets of {end - begin} bytes");

        JsonElement Member(string name, JsonValueKind kind)
            => entry.TryGetProperty(name, out var member) && member.ValueKind == kind
                ? member
                : throw Bad($"{key}: expected a member {name} of kind {kind}, found {entry}");

        long[] Integers(string name) => [.. Member(name, JsonValueKind.Array).EnumerateArray().Select(item =>
            item.ValueKind == JsonValueKind.Number && item.TryGetInt64(out var value) && value >= 0
                ? value
                : throw Bad($"{key}: expected non-negative integers in {name}, found {item}"))];
    }

    // The format allows neither holes nor overlaps nor a tail: every byte of data belongs to exactly one tensor.
    private void CheckLayout(long dataLength)
    {
        var expected = 0L;
        foreach (var entry in _entries.Values.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End))
        {
            if (entry.Begin != expected)
            {
                throw Bad($"{entry.Key}: expected its data to begin at {expected}, found {entry.Begin}");
            }

            expected = entry.End;
        }

        if (expected != dataLength)
        {
            throw Bad($"expected {expected} bytes of data after the header, found {dataLength} (a truncated or overlong file)");
        }
    }

    private LoraException Bad(string what, Exception? cause = null) => new($"{_path}: not a valid safetensors file: {what}.", cause);
}
