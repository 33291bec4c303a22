using static TorchSharp.torch;

namespace LoraGen.TorchZip;

/// <summary>A class or function that a pickle names; only those of <see cref="TorchPickle"/> exist.</summary>
internal sealed record PickleGlobal(string Module, string Name)
{
    public override string ToString() => $"{Module}.{Name}";
}

/// <summary>The bytes of an archive's entry <c>data/Key</c>, as elements.</summary>
internal sealed record PickleStorage(string Key, ScalarType Dtype, int BytesPerElement, long Elements);

/// <summary>A view of a storage, whose every element lies in it.</summary>
internal sealed record PickleTensor(PickleStorage Storage, long Offset, long[] Shape, long[] Strides)
{
    public long Elements { get; } = Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>Whether it is all of its storage, in row-major order.</summary>
    public bool IsWhole
    {
        get
        {
            var expected = 1L;
            for (var i = Shape.Length - 1; i >= 0; i--)
            {
                if (Shape[i] != 1 && Strides[i] != expected)
                {
                    return false;
                }

                expected *= Shape[i];
            }

            return Offset == 0 && Elements == Storage.Elements;
        }
    }

    /// <summary>
    /// Whether a tensor has its every element in the storage, and not more of them than that has: a stride of 0 would make a terabyte of
    /// one element.
    /// </summary>
    public static bool Lies(PickleStorage storage, long offset, long[] shape, long[] strides)
    {
        if (shape.Length != strides.Length || offset < 0)
        {
            return false;
        }

        try
        {
            // An empty tensor's sizes must not overflow either.
            var (elements, last) = (1L, offset);
            for (var i = 0; i < shape.Length; i++)
            {
                elements = checked(elements * Math.Max(1, shape[i]));
                last = checked(last + ((Math.Max(1, shape[i]) - 1) * strides[i]));
            }

            return shape.Contains(0) || (elements <= storage.Elements && last < storage.Elements);
        }
        catch (OverflowException)
        {
            return false;
        }
    }
}

/// <summary>A dictionary or an OrderedDict. Without entries it takes no memory for any: one byte of a pickle makes one.</summary>
internal sealed class PickleDictionary
{
    private Dictionary<string, object?>? _items;

    public int Count => _items?.Count ?? 0;

    public IEnumerable<KeyValuePair<string, object?>> Items => _items ?? [];

    public bool TryAdd(string key, object? value) => (_items ??= new(StringComparer.Ordinal)).TryAdd(key, value);
}
