using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace LoraGen.Tests.Reference;

/// <summary>A file of <c>torch.save</c> written and read by its description alone, without the library.</summary>
internal static class TorchZipBytes
{
    /// <summary>A tensor that was read: its storage class, its shape, and its elements' bytes in row-major order.</summary>
    public sealed record Found(string Storage, long[] Shape, byte[] Data);

    private sealed record View(string Storage, string Key, long[] Shape, long[] Strides, long Offset);

    /// <summary>An archive of this pickle and these storages, with what else torch puts in.</summary>
    public static byte[] Write(byte[] pickle, params IEnumerable<(string Key, byte[] Data)> storages) => ZipBytes.Write(
    [
        new("archive/data.pkl", pickle),
        new("archive/byteorder", "little"u8.ToArray()),
        .. storages.Select(storage => new ZipBytes.Entry($"archive/data/{storage.Key}", storage.Data)),
        new("archive/version", "3\n"u8.ToArray()),
    ]);

    /// <summary>An archive of contiguous tensors, each of a storage of its own.</summary>
    public static byte[] Write(SafetensorsBytes tensors)
    {
        var (pickled, storages) = (new List<(string, PickleBytes.Stored)>(), new List<(string, byte[])>());
        foreach (var (key, tensor) in tensors.Tensors)
        {
            var (type, size) = tensor.Dtype switch { "F32" => ("FloatStorage", 4), "F16" => ("HalfStorage", 2), _ => ("BFloat16Storage", 2) };
            var strides = tensor.Shape.Select((_, i) => tensor.Shape.Skip(i + 1).Aggregate(1L, (product, next) => product * next)).ToArray();
            pickled.Add((key, new PickleBytes.Stored(type, $"{storages.Count}", tensor.Data.Length / size, tensor.Shape, strides)));
            storages.Add(($"{storages.Count}", tensor.Data));
        }

        return Write(PickleBytes.Dictionary(pickled), storages);
    }

    /// <summary>Reads what must be in order: it trusts everything, and fails somehow where something is not.</summary>
    public static Dictionary<string, Found> Parse(byte[] file)
    {
        using var zip = new ZipArchive(new MemoryStream(file));
        var folder = zip.Entries[0].FullName.Split('/')[0];
        var result = new Dictionary<string, Found>();
        foreach (var (key, value) in (Dictionary<object, object>)Unpickle(Read("data.pkl")))
        {
            var view = (View)value;
            result.Add((string)key, new Found(view.Storage, view.Shape, Gather(view, Read($"data/{view.Key}"))));
        }

        return result;

        byte[] Read(string name)
        {
            using var stream = zip.GetEntry($"{folder}/{name}")!.Open();
            using var memory = new MemoryStream();
            stream.CopyTo(memory);
            return memory.ToArray();
        }
    }

    private static byte[] Gather(View view, byte[] storage)
    {
        var size = view.Storage switch { "DoubleStorage" or "LongStorage" => 8, "FloatStorage" or "IntStorage" => 4, "HalfStorage" or "BFloat16Storage" or "ShortStorage" => 2, _ => 1 };
        var result = new List<byte>();
        var index = new long[view.Shape.Length];
        for (var left = view.Shape.Aggregate(1L, (product, next) => product * next); left > 0; left--)
        {
            var at = (int)(view.Offset + index.Zip(view.Strides, (i, stride) => i * stride).Sum()) * size;
            result.AddRange(storage[at..(at + size)]);
            for (var axis = index.Length - 1; axis >= 0 && ++index[axis] == view.Shape[axis]; axis--)
                index[axis] = 0;
        }

        return [.. result];
    }

    // What Python's unpickler does at each opcode, on a list whose marks are nulls.
    private static object Unpickle(byte[] pickle)
    {
        var (stack, memo) = (new List<object?>(), new Dictionary<int, object>());
        for (var at = 2; ;)
        {
            var opcode = (char)pickle[at++];
            switch (opcode)
            {
                case '.': return Pop();
                case '(': stack.Add(null); break;
                case '}': stack.Add(new Dictionary<object, object>()); break;
                case ')': stack.Add(Array.Empty<object>()); break;
                case 'N': stack.Add("None"); break;
                case '\x88' or '\x89': stack.Add(opcode == '\x88'); break;
                case 'K': stack.Add((long)pickle[at++]); break;
                case 'M': stack.Add((long)BitConverter.ToUInt16(pickle, at)); at += 2; break;
                case 'J': stack.Add((long)BitConverter.ToInt32(pickle, at)); at += 4; break;
                case '\x8A':
                    var digits = pickle.AsSpan(at + 1, pickle[at]);
                    at += 1 + digits.Length;
                    stack.Add((long)new System.Numerics.BigInteger(digits));
                    break;
                case 'X':
                    var length = BinaryPrimitives.ReadInt32LittleEndian(pickle.AsSpan(at));
                    stack.Add(Encoding.UTF8.GetString(pickle, at + 4, length));
                    at += 4 + length;
                    break;
                case 'c':
                    var lines = Encoding.UTF8.GetString(pickle, at, Array.IndexOf(pickle, (byte)'\n', Array.IndexOf(pickle, (byte)'\n', at) + 1) - at);
                    at += Encoding.UTF8.GetByteCount(lines) + 1;
                    stack.Add(lines.Replace('\n', ' '));
                    break;
                case 'q': memo[pickle[at++]] = stack[^1]!; break;
                case 'h': stack.Add(memo[pickle[at++]]); break;
                case 'r': memo[BitConverter.ToInt32(pickle, at)] = stack[^1]!; at += 4; break;
                case 'j': stack.Add(memo[BitConverter.ToInt32(pickle, at)]); at += 4; break;
                case 't': stack.Add(PopToMark()); break;
                case '\x85' or '\x86' or '\x87':
                    var items = stack[^(opcode - '\x84')..].ToArray();
                    stack.RemoveRange(stack.Count - items.Length, items.Length);
                    stack.Add(items);
                    break;
                case 'Q':
                    var id = (object[])Pop();
                    stack.Add((Storage: ((string)id[1]).Split(' ')[1], Key: (string)id[2]));
                    break;
                case 'R':
                    var arguments = (object[])Pop();
                    stack.Add((string)Pop() == "collections OrderedDict" ? new Dictionary<object, object>() : Rebuilt(arguments));
                    break;
                case 's' or 'u':
                    var pairs = opcode == 'u' ? PopToMark() : [Pop(), Pop()];
                    if (opcode == 's')
                        Array.Reverse(pairs);
                    foreach (var pair in pairs.Chunk(2))
                        ((Dictionary<object, object>)stack[^1]!)[pair[0]] = pair[1];
                    break;
                case 'b': Pop(); break;
                default: throw new InvalidDataException($"opcode {opcode}");
            }
        }

        object Pop()
        {
            var top = stack[^1]!;
            stack.RemoveAt(stack.Count - 1);
            return top;
        }

        object[] PopToMark()
        {
            var mark = stack.LastIndexOf(null);
            var items = stack[(mark + 1)..].ToArray();
            stack.RemoveRange(mark, stack.Count - mark);
            return items!;
        }

        static View Rebuilt(object[] arguments)
        {
            var (type, key) = ((string, string))arguments[0];
            return new View(type, key, [.. ((object[])arguments[2]).Cast<long>()], [.. ((object[])arguments[3]).Cast<long>()], (long)arguments[1]);
        }
    }
}
