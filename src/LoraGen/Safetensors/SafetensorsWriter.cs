using System.Text.Json;
using LoraGen.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Safetensors;

/// <summary>Writes safetensors files as Hugging Face does: keys in ordinal order, the header padded to 8 bytes, the data without holes.</summary>
public static class SafetensorsWriter
{
    private const int Alignment = 8;

    /// <summary>Writes all tensors atomically (see <see cref="AtomicFile"/>), each in its own dtype.</summary>
    /// <param name="path">The file; an existing one is replaced as a whole.</param>
    /// <param name="tensors">Key and tensor, on any device.</param>
    /// <param name="metadata">The free strings of <c>__metadata__</c>.</param>
    /// <exception cref="LoraException">The file cannot be written, a key comes twice, or a dtype has no name in the format.</exception>
    public static void Write(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string> metadata)
        => AtomicFile.Write(path, Content(path, tensors, metadata));

    /// <summary>Checks all that can be checked, and returns what then writes the file's content. The path is for messages.</summary>
    /// <exception cref="LoraException">A key comes twice, or a dtype has no name in the format.</exception>
    internal static Action<Stream> Content(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        var ordered = tensors.OrderBy(item => item.Key, StringComparer.Ordinal).ToList();
        for (var i = 0; i < ordered.Count; i++)
        {
            if (ordered[i].Key == SafetensorsHeader.MetadataKey || (i > 0 && ordered[i].Key == ordered[i - 1].Key))
            {
                throw new LoraException($"{path}: {ordered[i].Key}: expected one entry of this name, found two.");
            }
        }

        var header = Header(path, ordered, metadata);
        return stream =>
        {
            stream.Write(BitConverter.GetBytes((ulong)header.Length));
            stream.Write(header);
            foreach (var (_, tensor) in ordered)
            {
                Write(stream, tensor);
            }
        };
    }

    private static void Write(Stream stream, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        foreach (var piece in TensorBytes.Pieces(tensor.detach().cpu().contiguous()))
        {
            stream.Write(piece.bytes);
        }
    }

    private static byte[] Header(string path, List<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject(SafetensorsHeader.MetadataKey);
            foreach (var (key, value) in metadata.OrderBy(item => item.Key, StringComparer.Ordinal))
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
            var offset = 0L;
            foreach (var (key, tensor) in tensors)
            {
                var (dtype, bytesPerElement) = SafetensorsDtype.Of($"{path}: {key}", tensor.dtype);
                json.WriteStartObject(key);
                json.WriteString("dtype", dtype);
                WriteIntegers(json, "shape", tensor.shape);
                WriteIntegers(json, "data_offsets", [offset, offset += tensor.NumberOfElements * bytesPerElement]);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        while (buffer.Length % Alignment != 0)
        {
            buffer.WriteByte((byte)' ');
        }

        return buffer.Length <= SafetensorsHeader.MaxBytes
            ? buffer.ToArray()
            : throw new LoraException($"{path}: expected keys and metadata of at most {SafetensorsHeader.MaxBytes} bytes, the format's limit, found {buffer.Length}.");
    }

    private static void WriteIntegers(Utf8JsonWriter json, string name, ReadOnlySpan<long> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteNumberValue(value);
        }

        json.WriteEndArray();
    }
}
