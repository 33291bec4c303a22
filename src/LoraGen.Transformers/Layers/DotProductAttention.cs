using LoraGen.Transformers.Attention;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Layers;

/// <summary>Scaled dot-product attention, and the two views of its inputs and outputs.</summary>
internal static class DotProductAttention
{
    /// <summary>[batch, time, heads * headDim] to [batch, heads, time, headDim].</summary>
    public static Tensor Split(Tensor x, long heads) => x.view(x.shape[0], x.shape[1], heads, x.shape[2] / heads).transpose(1, 2);

    /// <summary>[batch, heads, time, headDim] to [batch, time, heads * headDim].</summary>
    public static Tensor Join(Tensor x) => x.transpose(1, 2).reshape(x.shape[0], x.shape[2], x.shape[1] * x.shape[3]);

    /// <summary>softmax(Q K^T / sqrt(headDim) + mask) V.</summary>
    /// <param name="queries">[batch, heads, time, headDim]</param>
    /// <param name="keys">[batch, heads, total, headDim]</param>
    /// <param name="values">[batch, heads, total, headDim]</param>
    /// <param name="mask">Which keys a query sees.</param>
    /// <param name="dropout">Probability of dropping an attention weight.</param>
    /// <param name="inFp32">Whether to compute in fp32 at least, whatever the inputs are in.</param>
    /// <returns>[batch, heads, time, headDim], in the dtype of the inputs.</returns>
    public static Tensor Attend(Tensor queries, Tensor keys, Tensor values, AttentionMask mask, double dropout = 0, bool inFp32 = false)
    {
        using var scope = NewDisposeScope();
        var dtype = queries.dtype;
        var isNarrow = dtype is ScalarType.BFloat16 or ScalarType.Float16;

        // On a CPU the kernel's backward pass in bf16 takes about five times as long as in fp32.
        var computing = isNarrow && (inFp32 || (queries.requires_grad && queries.device_type == DeviceType.CPU)) ? ScalarType.Float32 : dtype;
        return functional.scaled_dot_product_attention(
            queries.to_type(computing), keys.to_type(computing), values.to_type(computing), mask.Additive?.to_type(computing), dropout, mask.IsCausal)
            .to_type(dtype).MoveToOuterDisposeScope();
    }
}
