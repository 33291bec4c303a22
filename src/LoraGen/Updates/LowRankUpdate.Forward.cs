using System.Runtime.InteropServices;
using LoraGen.Merging;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen;

// What is added to the base's result.
public abstract partial class LowRankUpdate
{
    // Rows times r, up to which it takes longer to prepare a product in half precision than to compute it in fp32.
    private const long FewProducts = 256;

    private readonly KeptTensors<ScalarType> _keptFactors = new();
    private readonly KeptTensors<(WeightMemory, ScalarType)> _keptRatio = new();

    private protected Tensor Apply(Module<Tensor, Tensor> projection, Tensor x)
    {
        RequireAlive();
        MergedWeights.RequireNone(Path, projection);
        if (Mixed is not null)
        {
            return Mixed.AddTo(this, projection, x);
        }

        try
        {
            return IsTargeted ? Sum(projection, x) : StandIn(projection, x);
        }
        catch (ExternalException)
        {
            RequireBeside(Path, ProjectionWeight.Of(projection)); // Looked at only now, since it costs as much as a small product.
            throw;
        }
    }

    /// <summary>The base's result plus the update.</summary>
    private Tensor Sum(Module<Tensor, Tensor> projection, Tensor x)
    {
        using var scope = NewDisposeScope();
        var rows = RowsOf(x);
        return Unfolded(AddRows(projection, Base(projection, rows), rows), x).MoveToOuterDisposeScope();
    }

    /// <summary>How many of the input's axes a row has: 1 for a vector, 0 for an id, the channels and those of the kernel for an image.</summary>
    internal virtual int RowAxes => 1;

    /// <summary>The input as one row after the other, whichever axes it has: [rows, in], and of an embedding [rows]. An image stays as it is.</summary>
    internal virtual Tensor RowsOf(Tensor x) => x.reshape(-1, x.size(-1));

    /// <summary>The way back for the result, [rows, out] to [..., out].</summary>
    internal virtual Tensor Unfolded(Tensor result, Tensor x) => result.view([.. x.shape[..^RowAxes], result.size(1)]);

    /// <summary>What A makes of rows, [rows, r].</summary>
    internal virtual Tensor Reduce(Module projection, Tensor rows, Tensor a)
        => IsFasterTurned(rows) ? a.mm(rows.t()).t() : functional.linear(rows, a);

    // With the longer side as columns a CPU makes the product sooner, and its gradients later.
    private bool IsFasterTurned(Tensor rows) => rows.size(0) > Scale.Rank && !is_grad_enabled();

    /// <summary>One value for each output, so that it fits the result.</summary>
    private protected virtual Tensor PerOutput(Tensor values) => values;

    /// <summary>Whether calls of the projection drop inputs of A now.</summary>
    internal virtual bool Drops(Module projection) => projection.training && Dropout > 0;

    /// <summary>Whether <see cref="AddRows"/> alone makes the base's result the adapter's, in place.</summary>
    internal bool AddsInPlace => IsTargeted && Magnitude is null && !OwnsBias;

    /// <summary>What the adapter makes of the base's result for some rows; what stands in for a part of the base needs another result than the base's.</summary>
    /// <param name="projection">The base's projection.</param>
    /// <param name="result">[rows, out]</param>
    /// <param name="rows">As <see cref="RowsOf"/> gives them.</param>
    internal Tensor Rows(Module<Tensor, Tensor> projection, Tensor result, Tensor rows)
        => IsTargeted ? AddRows(projection, OwnsBias ? Base(projection, rows) : result, rows) : StandIn(projection, rows);

    /// <summary>Adds the update of some rows to the base's result for them: in place, but with DoRA, which goes on from a copy.</summary>
    /// <param name="projection">The base's projection.</param>
    /// <param name="result">[rows, out]</param>
    /// <param name="rows">As <see cref="RowsOf"/> gives them.</param>
    internal Tensor AddRows(Module<Tensor, Tensor> projection, Tensor result, Tensor rows)
    {
        if (Serves(projection, result, rows))
        {
            return AddServed(result, rows);
        }

        var (a, b) = Factors(ArithmeticOf(result, rows));
        var dropped = Drops(projection) ? functional.dropout(rows, Dropout, training: true) : null;
        if (Magnitude is not null)
        {
            (result, b) = Decomposed(projection, result, b, dropped);
        }

        // Down to rank r first: r (in + out) multiplications a row instead of in * out.
        return AddBBias(AddProduct(result, Reduce(projection, In(dropped ?? rows, a.dtype), a), b));
    }

    // That of the result; but a CPU takes longer to prepare a product in half precision than to compute a few rows in A's fp32.
    private ScalarType ArithmeticOf(Tensor result, Tensor rows)
    {
        var dtype = result.dtype;
        return dtype is ScalarType.BFloat16 or ScalarType.Float16 && A.dtype == ScalarType.Float32 && RowAxes == 1 && Slices is null
            && rows.size(0) * Scale.Rank <= FewProducts && rows.device_type == DeviceType.CPU ? ScalarType.Float32 : dtype;
    }

    private static Tensor In(Tensor rows, ScalarType dtype) => rows.dim() < 2 || rows.dtype == dtype ? rows : rows.to_type(dtype);

    /// <summary>
    /// The base's part of DoRA's output, and B with m / ||V|| in it: W0 x + b + (m / ||V|| - 1) W0 x, so that with m = ||V|| every bit is the
    /// base's. As in PEFT, W0 x is that of the dropped input where there is dropout.
    /// </summary>
    /// <param name="projection">The base's projection.</param>
    /// <param name="result">Its result, [rows, out].</param>
    /// <param name="b">B in the dtype of the result.</param>
    /// <param name="dropped">What was left of its input, or null where nothing is dropped.</param>
    private protected (Tensor Result, Tensor B) Decomposed(Module<Tensor, Tensor> projection, Tensor result, Tensor b, Tensor? dropped)
    {
        var (weight, bias, ratio) = (ProjectionWeight.Of(projection), BiasIn(projection), MagnitudeRatio(projection));
        var product = dropped is not null ? Compute(projection, dropped, weight, bias: null)
            : bias is not null ? result - PerOutput(bias)
            : result;
        return (result + (PerOutput((ratio - 1).to_type(result.dtype)) * product), b * PerRow(ratio.to_type(b.dtype), b));
    }

    // m / ||V||, [out]. The norm costs as much as r rows of input would.
    private Tensor MagnitudeRatio(Module projection)
    {
        var weight = ProjectionWeight.Of(projection);
        if (MayChange())
        {
            _keptRatio.Drop();
            return Ratio();
        }

        return _keptRatio.Of((WeightMemory.Of(weight), weight.dtype), () => [Ratio()])[0];

        Tensor Ratio() => Magnitude!.view(-1) / Norm(weight);
    }

    /// <summary>Adds s reduced B^T to the result, in place, with one addmm where rows are vectors.</summary>
    /// <param name="result">[rows, out]</param>
    /// <param name="reduced">What A makes of the input, [rows, r].</param>
    /// <param name="b">B in the dtype of what A makes.</param>
    private protected virtual Tensor AddProduct(Tensor result, Tensor reduced, Tensor b)
    {
        var alpha = (float)Scale.Factor;
        if (result.dtype == ScalarType.Float64)
        {
            (reduced, alpha) = (reduced.mul(Scale.Factor), 1); // addmm_ would round a scale such as 16 / sqrt(3) to fp32.
        }

        return Slices is null ? AddProduct(result, reduced, b.t(), alpha) : Slices.AddProduct(result, reduced, b, alpha);
    }

    // In a wider dtype than the result's, it is rounded once.
    private static Tensor AddProduct(Tensor result, Tensor reduced, Tensor transposed, float alpha) => transposed.dtype == result.dtype
        ? result.addmm_(reduced, transposed, alpha: alpha)
        : result.copy_(result.to_type(transposed.dtype).addmm_(reduced, transposed, alpha: alpha));

    /// <summary>What is multiplied with, in a dtype: A and B; where they started out of the base, what they have become since.</summary>
    internal (Tensor A, Tensor B) Factors(ScalarType dtype)
    {
        if (dtype == A.dtype && !_keptFactors.Any && _served.Length == 0)
        {
            return SinceStart();
        }

        if (MayChange())
        {
            DropKept();
            return Cast();
        }

        if (dtype == A.dtype)
        {
            return SinceStart();
        }

        var kept = _keptFactors.Of(dtype, () => Cast() is var (a, b) ? [a, b] : []);
        return (kept[0], kept[1]);

        (Tensor A, Tensor B) Cast() => SinceStart() is var (a, b) ? (a.to_type(dtype), b.to_type(dtype)) : default;
    }

    // An optimizer changes what holds a gradient, and what requires one comes to hold one.
    private bool MayChange()
    {
        return training || IsLoose(A) || IsLoose(B) || (Magnitude is not null && IsLoose(Magnitude));
    }

    private static bool IsLoose(Parameter parameter)
    {
        using var gradient = parameter.grad;
        return parameter.requires_grad || gradient is not null;
    }

    private void DropKept()
    {
        DropServed();
        _keptFactors.Drop();
        _keptRatio.Drop();
        _keptOwn.Drop();
    }
}
