using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using LoraGen.Files;
using Microsoft.Win32.SafeHandles;

namespace LoraGen.Safetensors;

/// <summary>
/// The checked header of a safetensors file: 8 bytes of little-endian length, then JSON
/// <c>{key: {dtype, shape, data_offsets: [begin, end]}, "__metadata__": {string: string}}</c>, then the data without holes or overlaps.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>The format's own limit; it also bounds what a hostile length can make us allocate.</summary>
    public const int MaxBytes = 100_000_000;

    /// <summary>The one key that names no tensor.</summary>
    public const string MetadataKey = "__metadata__";

    private const int LengthBytes = 8;

    // torch's own limit. Without one, a header of nothing but a shape would take many times its size.
    private const int MaxDimensions = 64;

    private readonly string _path;
    private readonly Dictionary<string, SafetensorsEntry> _entries = [];
    private readonly Dictionary<string, string> _metadata = [];

    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _entries;
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Where the data begins in the file.</summary>
    public long DataStart { get; }

    private SafetensorsHeader(string path, SafeFileHandle file)
    {
        _path = path;
        var fileLength = RandomAccess.GetLength(file);
        if (fileLength < LengthBytes)
        {
            throw Bad($"expected at least {LengthBytes} bytes of header length, found a file of {fileLength} bytes");
        }

        Span<byte> length = stackalloc byte[LengthBytes];
        SafetensorsFile.ReadExactly(path, file, length, 0);
        var declared = BinaryPrimitives.ReadUInt64LittleEndian(length);
        var room = (ulong)Math.Min(MaxBytes, fileLength - LengthBytes);
        if (declared > room)
        {
            throw Bad($"expected a header of at most {room} bytes, found a declared length of {declared}");
        }

        DataStart = LengthBytes + (long)declared;
        var json = new byte[declared];
        SafetensorsFile.ReadExactly(path, file, json, LengthBytes);
        Parse(json);
        CheckLayout(fileLength - DataStart);
    }

    /// <summary>Reads and checks the header.</summary>
    /// <exception cref="LoraException">The header is malformed or does not fit the file.</exception>
    public static SafetensorsHeader Read(string path, SafeFileHandle file) => new(path, file);

    // Token by token: what a header claims takes memory only once it was found in order.
    private void Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            // Tensor entries are three levels deep; anything deeper is not this format.
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 4 });
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                throw Bad($"expected a JSON object as header, found {Found(reader)}");
            }

            var hasMetadata = false;
            while (NextMember(ref reader, out var key))
            {
                var isMetadata = key == MetadataKey;
                if (isMetadata ? hasMetadata : _entries.ContainsKey(key))
                {
                    throw BadEntry(key, $"expected one entry of this name, found two");
                }

                if (isMetadata)
                {
                    hasMetadata = true;
                    ParseMetadata(ref reader);
                }
                else
                {
                    _entries.Add(key, ParseEntry(key, ref reader));
                }
            }

            reader.Read(); // Throws where anything but white space follows.
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Bad($"expected a header of valid JSON, found an error: {Excerpt.Of(e.Message)}", e);
        }
    }

    private void ParseMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Bad($"{MetadataKey}: expected an object of strings, found {Found(reader)}");
        }

        while (NextMember(ref reader, out var key))
        {
            if (reader.TokenType != JsonTokenType.String)
            {
                throw Bad($"{MetadataKey}.{Excerpt.Of(key)}: expected a string, found {Found(reader)}");
            }

            if (!_metadata.TryAdd(key, reader.GetString()!))
            {
                throw Bad($"{MetadataKey}.{Excerpt.Of(key)}: expected one string of this name, found two");
            }
        }
    }

    private SafetensorsEntry ParseEntry(string key, ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw BadEntry(key, $"expected an object with dtype, shape and data_offsets, found {Found(reader)}");
        }

        string? dtypeName = null;
        long[]? shape = null, offsets = null;
        while (NextMember(ref reader, out var member))
        {
            if ((member, dtypeName, shape, offsets) is ("dtype", not null, _, _) or ("shape", _, not null, _) or ("data_offsets", _, _, not null))
            {
                throw BadEntry(key, $"expected one member {member}, found two");
            }

            switch (member)
            {
                case "dtype":
                    dtypeName = reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw BadEntry(key, $"expected a string as dtype, found {Found(reader)}");
                    break;
                case "shape":
                    shape = ParseIntegers(key, member, ref reader);
                    break;
                case "data_offsets":
                    offsets = ParseIntegers(key, member, ref reader);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        if ((dtypeName, shape, offsets) is not ({ } dtype, { } sizes, { } range))
        {
            throw BadEntry(key, $"expected the members dtype, shape and data_offsets, found no {(dtypeName is null ? "dtype" : shape is null ? "shape" : "data_offsets")}");
        }

        return Checked(key, dtype, sizes, range);
    }

    private long[] ParseIntegers(string key, string member, ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw BadEntry(key, $"expected an array as {member}, found {Found(reader)}");
        }

        var count = 0;
        Span<long> values = stackalloc long[MaxDimensions];
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (count == MaxDimensions)
            {
                throw BadEntry(key, $"expected at most {MaxDimensions} integers in {member}, found more");
            }

            values[count++] = reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var value) && value >= 0
                ? value
                : throw BadEntry(key, $"expected non-negative integers in {member}, found {Found(reader)}");
        }

        return values[..count].ToArray();
    }

    private SafetensorsEntry Checked(string key, string dtypeName, long[] shape, long[] offsets)
    {
        if (!SafetensorsDtype.TryParse(dtypeName, out var dtype, out var bytesPerElement))
        {
            throw BadEntry(key, $"expected a dtype out of {SafetensorsDtype.Names}, found {Excerpt.Of(dtypeName)}");
        }

        if (offsets is not [var begin, var end] || begin > end)
        {
            throw BadEntry(key, $"expected data_offsets [begin, end] with begin <= end, found [{string.Join(", ", offsets)}]");
        }

        long bytes = bytesPerElement;
        try
        {
            // An empty tensor has strides too, and they must not overflow either.
            foreach (var size in shape)
            {
                bytes = checked(bytes * Math.Max(1, size));
            }
        }
        catch (OverflowException)
        {
            throw BadEntry(key, $"expected a shape that fits into a file, found [{string.Join(", ", shape)}]");
        }

        bytes = shape.Contains(0) ? 0 : bytes;
        return bytes == end - begin
            ? new SafetensorsEntry(key, dtype, shape, begin, end)
            : throw BadEntry(key, $"expected {bytes} bytes for {dtypeName} [{string.Join(", ", shape)}], found data_offsets of {end - begin} bytes");
    }

    // The format allows neither holes nor overlaps nor a tail: every byte of data belongs to exactly one tensor.
    private void CheckLayout(long dataLength)
    {
        var expected = 0L;
        foreach (var entry in _entries.Values.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End))
        {
            if (entry.Begin != expected)
            {
                throw BadEntry(entry.Key, $"expected its data to begin at {expected}, found {entry.Begin}");
            }

            expected = entry.End;
        }

        if (expected != dataLength)
        {
            throw Bad($"expected {expected} bytes of data after the header, found {dataLength} (a truncated or overlong file)");
        }
    }

    /// <summary>Moves to the value of the object's next member; false at the end of the object.</summary>
    private static bool NextMember(ref Utf8JsonReader reader, out string name)
    {
        reader.Read();
        name = reader.TokenType == JsonTokenType.PropertyName ? reader.GetString()! : "";
        return reader.TokenType == JsonTokenType.PropertyName && reader.Read();
    }

    private static string Found(in Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        _ => Excerpt.Of(Encoding.UTF8.GetString(reader.ValueSpan)),
    };

    private LoraException BadEntry(string key, string what) => Bad($"{Excerpt.Of(key)}: {what}");

    private LoraException Bad(string what, Exception? cause = null) => new($"{_path}: not a valid safetensors file: {what}.", cause);
}
