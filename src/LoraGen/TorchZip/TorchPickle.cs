using System.Runtime.InteropServices;
using LoraGen.Files;

namespace LoraGen.TorchZip;

/// <summary>
/// Runs the pickle of a file of tensors on a machine that can do nothing else: the opcodes that <c>torch.save</c> writes (pickle protocol
/// 2), and of all classes and functions only torch's storages, <c>_rebuild_tensor_v2</c> and <c>OrderedDict</c>, none of which is called:
/// they are numbers and names until somebody reads the tensor.
/// </summary>
internal sealed class TorchPickle
{
    private static readonly object Mark = new();
    private static readonly PickleGlobal OrderedDict = new("collections", "OrderedDict");
    private static readonly PickleGlobal Rebuild = new("torch._utils", "_rebuild_tensor_v2");
    private static readonly object?[] EmptyTuple = [];

    private readonly PickleInput _input;
    private readonly List<object?> _stack = [];
    private readonly Dictionary<uint, object?> _memo = [];

    private TorchPickle(PickleInput input) => _input = input;

    /// <summary>The dictionary that was saved.</summary>
    /// <exception cref="LoraException">It is no pickle of tensors; the message begins with <paramref name="place"/>.</exception>
    public static PickleDictionary Read(string place, byte[] bytes) => new TorchPickle(new PickleInput(place, bytes)).Run();

    private PickleDictionary Run()
    {
        if (_input.Left < 2 || (_input.Opcode(), _input.Byte()) != ('\x80', 2))
        {
            throw _input.Bad("a pickle of protocol 2", "other bytes");
        }

        for (var opcode = _input.Opcode(); opcode != '.'; opcode = _input.Opcode())
        {
            Step(opcode);
        }

        return (_stack, _input.Left) switch
        {
            ([PickleDictionary saved], 0) => saved,
            ([var other], 0) => throw _input.Bad("a dictionary of tensors", Describe(other)),
            (_, 0) => throw _input.Bad("one value at the end", $"{_stack.Count}"),
            (_, var left) => throw _input.Bad("nothing after the end", $"{left} bytes"),
        };
    }

    private void Step(char opcode)
    {
        switch (opcode)
        {
            case '}':
                _stack.Add(new PickleDictionary());
                break;
            case ')':
                _stack.Add(EmptyTuple);
                break;
            case '(':
                _stack.Add(Mark);
                break;
            case 'N':
                _stack.Add(null);
                break;
            case '\x88' or '\x89':
                _stack.Add(opcode == '\x88');
                break;
            case 'K':
                _stack.Add((long)_input.Byte());
                break;
            case 'M':
                _stack.Add((long)_input.UInt16());
                break;
            case 'J':
                _stack.Add((long)_input.Int32());
                break;
            case '\x8a':
                _stack.Add(_input.LongInteger());
                break;
            case 'X':
                _stack.Add(_input.Text());
                break;
            case 'c':
                _stack.Add(Known(_input.Line(), _input.Line()));
                break;
            case 't':
                _stack.Add(PopToMark());
                break;
            case '\x85' or '\x86' or '\x87':
                _stack.Add(Pop(opcode - '\x84'));
                break;
            case 'q':
                Remember(_input.Byte());
                break;
            case 'r':
                Remember(_input.UInt32());
                break;
            case 'h':
                Recall(_input.Byte());
                break;
            case 'j':
                Recall(_input.UInt32());
                break;
            case 'Q':
                _stack.Add(Storage(Pop<object?[]>("a tuple that names a storage")));
                break;
            case 'R':
                Call();
                break;
            case 's':
                var item = Pop(2);
                SetItems(item);
                break;
            case 'u':
                SetItems(PopToMark());
                break;
            case 'b':
                // An attribute of a state_dict: the versions of its modules, which say nothing of the tensors.
                Pop<PickleDictionary>("a dictionary of attributes");
                Peek<PickleDictionary>("a dictionary whose attributes they are");
                break;
            default:
                throw _input.Bad("an opcode that torch.save writes", $"0x{(int)opcode:X2}");
        }
    }

    private PickleGlobal Known(string module, string name)
    {
        var global = new PickleGlobal(module, name);
        return global == OrderedDict ? OrderedDict
            : global == Rebuild ? Rebuild
            : module == "torch" && TorchDtype.IsStorage(name) ? global
            : throw _input.Bad($"{Rebuild}, {OrderedDict} or a storage of torch ({TorchDtype.Names})", $"{global}, which a file of plain tensors does not need and which is not run");
    }

    private void Call()
    {
        var arguments = Pop<object?[]>("a tuple of arguments");
        var function = Pop<PickleGlobal>("a function");
        _stack.Add(function == Rebuild ? Tensor(arguments)
            : function == OrderedDict && arguments.Length == 0 ? new PickleDictionary()
            : throw _input.Bad($"a call of {Rebuild}, or of {OrderedDict} without arguments", $"{function} with {arguments.Length}"));
    }

    private PickleStorage Storage(object?[] id)
    {
        if (id is not ["storage", PickleGlobal { Module: "torch" } type, string key, string, long and >= 0 and var elements])
        {
            throw _input.Bad("('storage', class, key, device, elements)", Describe(id));
        }

        var (dtype, bytes) = TorchDtype.Of(type.Name);
        return new PickleStorage(key, dtype, bytes, elements);
    }

    // _rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata=None). The metadata says that the
    // values are to be negated or conjugated.
    private PickleTensor Tensor(object?[] arguments)
    {
        if (arguments is not [PickleStorage storage, long offset, object?[] size, object?[] stride, bool, PickleDictionary { Count: 0 }, .. var rest]
            || rest is not ([] or [null] or [PickleDictionary { Count: 0 }]))
        {
            throw _input.Bad("the arguments storage, offset, size, stride, requires_grad, no hooks and no metadata", Describe(arguments));
        }

        var (shape, strides) = (Sizes(size), Sizes(stride));
        return PickleTensor.Lies(storage, offset, shape, strides)
            ? new PickleTensor(storage, offset, shape, strides)
            : throw _input.Bad(
                $"a tensor that lies inside its storage of {storage.Elements} elements and is not larger",
                $"[{string.Join(", ", shape)}] with strides [{string.Join(", ", strides)}] from {offset} on");
    }

    private long[] Sizes(object?[] values)
    {
        const int maxDimensions = 64; // torch's own limit.
        return values.Length <= maxDimensions && values.All(value => value is long and >= 0)
            ? [.. values.Cast<long>()]
            : throw _input.Bad($"a tuple of at most {maxDimensions} integers that are not negative", Describe(values));
    }

    private void SetItems(object?[] items)
    {
        var dictionary = Peek<PickleDictionary>("a dictionary");
        if (items.Length % 2 != 0)
        {
            throw _input.Bad("pairs of key and value", $"{items.Length} values");
        }

        for (var i = 0; i < items.Length; i += 2)
        {
            var key = items[i] as string ?? throw _input.Bad("a text as key", Describe(items[i]));
            if (!dictionary.TryAdd(key, items[i + 1]))
            {
                throw _input.Bad("one entry of a name", $"two of {Excerpt.Of(key)}");
            }
        }
    }

    private void Remember(uint index) => _memo[index] = _stack is [.., var top] && top != Mark ? top : throw _input.Bad("a value to keep", "none");

    private void Recall(uint index)
        => _stack.Add(_memo.TryGetValue(index, out var value) ? value : throw _input.Bad("a number under which a value was kept", $"{index}"));

    private T Peek<T>(string expected)
        where T : class
        => _stack is [.., T top] ? top : throw _input.Bad(expected, _stack.Count == 0 ? "nothing" : Describe(_stack[^1]));

    private T Pop<T>(string expected)
        where T : class
    {
        var value = Peek<T>(expected);
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private object?[] Pop(int count)
    {
        if (_stack.Count < count || CollectionsMarshal.AsSpan(_stack)[^count..].Contains(Mark))
        {
            throw _input.Bad($"{count} values", "fewer");
        }

        var values = CollectionsMarshal.AsSpan(_stack)[^count..].ToArray();
        _stack.RemoveRange(_stack.Count - count, count);
        return values;
    }

    private object?[] PopToMark()
    {
        var mark = _stack.LastIndexOf(Mark);
        if (mark < 0)
        {
            throw _input.Bad("a mark", "none");
        }

        var values = Pop(_stack.Count - mark - 1);
        _stack.RemoveAt(mark);
        return values;
    }

    private static string Describe(object? value) => value switch
    {
        null => "None",
        string text => $"'{Excerpt.Of(text)}'",
        bool or long => $"{value}",
        PickleGlobal global => Excerpt.Of(global.ToString()),
        object?[] tuple => $"a tuple of {tuple.Length}",
        PickleStorage => "a storage",
        PickleTensor => "a tensor",
        PickleDictionary => "a dictionary",
        _ => "a mark",
    };
}
