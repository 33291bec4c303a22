using System.IO.Compression;
using System.Text;
using LoraGen.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.TorchZip;

/// <summary>Writes what Python's <c>torch.save</c> writes for an ordered dictionary of tensors: a zip of a pickle and one storage for each tensor.</summary>
internal static class TorchZipWriter
{
    /// <summary>Replaces a file by one of these tensors, whole or not at all.</summary>
    /// <exception cref="LoraException">A tensor has a dtype other than float16, bfloat16, float32 or float64, or the file cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<KeyValuePair<string, Tensor>> tensors)
    {
        var pickle = Pickle(path, tensors);
        AtomicFile.Write(path, stream =>
        {
            using var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
            Add("data.pkl", pickle);
            Add("byteorder", "little"u8);
            foreach (var (number, (_, tensor)) in tensors.Index())
            {
                using var scope = NewDisposeScope();
                Add($"data/{number}", tensor.detach().cpu().contiguous().bytes);
            }

            Add("version", "3\n"u8);

            // Stored, as torch does: it maps the storages into memory.
            void Add(string name, ReadOnlySpan<byte> content)
            {
                using var entry = zip.CreateEntry($"archive/{name}", CompressionLevel.NoCompression).Open();
                entry.Write(content);
            }
        });
    }

    private static byte[] Pickle(string path, IReadOnlyList<KeyValuePair<string, Tensor>> tensors)
    {
        using var stream = new MemoryStream();
        using var pickle = new BinaryWriter(stream, Encoding.UTF8);
        pickle.Write([0x80, 2]); // protocol 2
        EmptyDictionary();
        Opcode('(');
        foreach (var (number, (key, tensor)) in tensors.Index())
        {
            Text(key);
            Global("torch._utils _rebuild_tensor_v2");
            Opcode('(');
            Storage(number, key, tensor);
            Number(0); // the offset in the storage
            Tuple(tensor.shape);
            Tuple([.. tensor.shape.Select((_, axis) => tensor.shape[(axis + 1)..].Aggregate(1L, (product, size) => product * size))]);
            pickle.Write((byte)0x89); // requires_grad: false
            EmptyDictionary(); // no backward hooks
            Opcode('t');
            Opcode('R');
        }

        Opcode('u');
        Opcode('.');
        return stream.ToArray();

        void Storage(int number, string key, Tensor tensor)
        {
            Opcode('(');
            Text("storage");
            Global($"torch {StorageOf(key, tensor.dtype)}");
            Text($"{number}");
            Text("cpu");
            Number(tensor.NumberOfElements);
            Opcode('t');
            Opcode('Q'); // a persistent id: the bytes are in data/number
        }

        string StorageOf(string key, ScalarType dtype) => dtype switch
        {
            ScalarType.Float16 => "HalfStorage",
            ScalarType.BFloat16 => "BFloat16Storage",
            ScalarType.Float32 => "FloatStorage",
            ScalarType.Float64 => "DoubleStorage",
            _ => throw new LoraException($"{path}: {key}: expected float16, bfloat16, float32 or float64, found {dtype}."),
        };

        void EmptyDictionary()
        {
            Global("collections OrderedDict");
            Opcode(')');
            Opcode('R');
        }

        void Tuple(long[] numbers)
        {
            Opcode('(');
            Array.ForEach(numbers, Number);
            Opcode('t');
        }

        void Number(long number)
        {
            if (number is >= 0 and <= byte.MaxValue)
            {
                Opcode('K');
                pickle.Write((byte)number);
            }
            else if (number is >= int.MinValue and <= int.MaxValue)
            {
                Opcode('J');
                pickle.Write((int)number);
            }
            else
            {
                pickle.Write([0x8A, 8]);
                pickle.Write(number);
            }
        }

        void Text(string text)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            Opcode('X');
            pickle.Write(bytes.Length);
            pickle.Write(bytes);
        }

        void Global(string name) => pickle.Write(Encoding.ASCII.GetBytes($"c{name.Replace(' ', '\n')}\n"));

        void Opcode(char opcode) => pickle.Write((byte)opcode);
    }
}
