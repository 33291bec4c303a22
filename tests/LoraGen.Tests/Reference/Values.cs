using static TorchSharp.torch;

namespace LoraGen.Tests.Reference;

/// <summary>Numbers out of tensors and into them; no arithmetic.</summary>
internal static class Values
{
    /// <summary>A tensor as rows of its last axis, in float64.</summary>
    public static double[,] Matrix(Tensor tensor)
    {
        var columns = tensor.shape[^1];
        var values = Flat(tensor);
        var result = new double[values.Length / columns, columns];
        Buffer.BlockCopy(values, 0, result, 0, values.Length * sizeof(double));
        return result;
    }

    /// <summary>All values of a tensor in row-major order, in float64.</summary>
    public static double[] Flat(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.NumberOfElements == 0 ? [] : tensor.detach().to_type(ScalarType.Float64).cpu().contiguous().data<double>().ToArray();
    }
}
