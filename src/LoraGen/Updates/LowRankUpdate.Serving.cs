using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen;

/// <content>
/// The short way of a plain update that only serves, frozen and in evaluation mode: A and B lie ready as the products take them, and none
/// of them is looked at again. Beside a product of one token, each operation counts.
/// </content>
public abstract partial class LowRankUpdate
{
    private readonly Lock _preparing = new();
    private (ScalarType Dtype, Tensor A, Tensor B)[] _served = [];

    /// <summary>Whether <see cref="AddServed"/> adds the same as the long way.</summary>
    private bool Serves(Module projection, Tensor result, Tensor rows)
    {
        if (MayChange())
        {
            DropServed();
            return false;
        }

        // AddProduct has more to do in float64.
        return IsPlain && RowAxes == 1 && result.dtype != ScalarType.Float64 && !Drops(projection);
    }

    private Tensor AddServed(Tensor result, Tensor rows)
    {
        var dtype = ArithmeticOf(result, rows);
        var (a, b) = Served(dtype);
        var x = In(rows, dtype);
        return AddProduct(result, IsFasterTurned(x) ? a.t().mm(x.t()).t() : x.mm(a), b, (float)Scale.Factor);
    }

    // A^T [in, r] and B^T [r, out], the latter row by row, which halves the product of a single row. No call may run beside what drops them.
    private (Tensor A, Tensor B) Served(ScalarType dtype)
    {
        if (Ready(dtype) is { } ready)
        {
            return ready;
        }

        lock (_preparing)
        {
            if (Ready(dtype) is { } meanwhile)
            {
                return meanwhile;
            }

            using var recordable = inference_mode(false); // The next call may record the gradient of x.
            var (a, b) = SinceStart();
            var (readyA, readyB) = (Keep(a.to_type(dtype).t()), Keep(b.to_type(dtype).t().contiguous()));
            _served = [.. _served, (dtype, readyA, readyB)];
            return (readyA, readyB);
        }

        static Tensor Keep(Tensor tensor) => tensor.detach().DetachFromDisposeScope();
    }

    private (Tensor A, Tensor B)? Ready(ScalarType dtype)
    {
        foreach (var (ready, a, b) in _served)
        {
            if (ready == dtype)
            {
                return (a, b);
            }
        }

        return null;
    }

    private void DropServed()
    {
        if (_served.Length == 0)
        {
            return;
        }

        lock (_preparing)
        {
            foreach (var (_, a, b) in _served)
            {
                a.Dispose();
                b.Dispose();
            }

            _served = [];
        }
    }
}
