using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LoraGen.Tests.Reference;

/// <summary>The safetensors format written and read by its description alone, without the library.</summary>
internal sealed class SafetensorsBytes
{
    /// <summary>The free strings of <c>__metadata__</c>, or null when the header has none.</summary>
    public Dictionary<string, string>? Metadata { get; set; }

    public SortedDictionary<string, Stored> Tensors { get; } = new(StringComparer.Ordinal);

    /// <summary>One tensor as it lies in the file.</summary>
    public sealed record Stored(string Dtype, long[] Shape, byte[] Data);

    public static SafetensorsBytes Parse(byte[] file)
    {
        var headerLength = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(file));
        using var header = JsonDocument.Parse(file.AsMemory(8, headerLength));
        var data = file.AsSpan(8 + headerLength);
        var result = new SafetensorsBytes();
        foreach (var item in header.RootElement.EnumerateObject())
        {
            if (item.Name == "__metadata__")
            {
                result.Metadata = item.Value.EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.GetString()!);
                continue;
            }

            var offsets = item.Value.GetProperty("data_offsets");
            result.Tensors.Add(item.Name, new Stored(
                item.Value.GetProperty("dtype").GetString()!,
                [.. item.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())],
                data[offsets[0].GetInt32()..offsets[1].GetInt32()].ToArray()));
        }

        return result;
    }

    public byte[] ToArray()
    {
        var (header, data) = (new JsonObject(), new List<byte>());
        if (Metadata is not null)
            header["__metadata__"] = JsonSerializer.SerializeToNode(Metadata);
        foreach (var (key, tensor) in Tensors)
        {
            header[key] = new JsonObject
            {
                ["dtype"] = tensor.Dtype,
                ["shape"] = JsonSerializer.SerializeToNode(tensor.Shape),
                ["data_offsets"] = new JsonArray(data.Count, data.Count + tensor.Data.Length),
            };
            data.AddRange(tensor.Data);
        }

        return Raw(header.ToJsonString(), [.. data]);
    }

    /// <summary>A file of exactly this header and this data; the declared length of the header is its own unless another is given.</summary>
    public static byte[] Raw(string header, byte[] data, ulong? declaredLength = null)
    {
        var text = Encoding.UTF8.GetBytes(header);
        var length = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, declaredLength ?? (ulong)text.Length);
        return [.. length, .. text, .. data];
    }
}
