using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>
/// A digest that tells one base from another: key, shape and up to 16,384 evenly spaced values of every tensor, rounded to bf16, so
/// that a checkpoint in bf16 or fp32 has one fingerprint whether it is held in bf16 or in fp32.
/// </summary>
/// <remarks>
/// Nothing that is rounded twice need end where one rounding does: an fp32 base that was moved to fp16 has another fingerprint than
/// before. Load an adapter for the base in the dtype in which it was trained, and move both afterwards.
/// </remarks>
public static class BaseFingerprint
{
    private const int SampledValues = 16_384;

    /// <summary>SHA-256 of a module's <c>state_dict</c> as described above, in lower-case hexadecimal.</summary>
    /// <exception cref="LoraException">The module is on the meta device, and so has no values.</exception>
    public static string Of(nn.Module module)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (key, tensor) in module.state_dict().OrderBy(item => item.Key, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{key}[{string.Join(',', tensor.shape)}]\n"));
            Append(hash, key, tensor);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, string key, Tensor tensor)
    {
        if (tensor.device_type == DeviceType.META)
        {
            throw new LoraException($"{key}: expected a base that has values, found it on the meta device. Load its weights first.");
        }

        using var scope = NewDisposeScope();
        var flat = tensor.detach().reshape(-1);
        var sample = flat.slice(0, 0, flat.NumberOfElements, Stride(flat.NumberOfElements)).to_type(ScalarType.BFloat16).cpu().contiguous();
        hash.AppendData(sample.bytes);
    }

    // Coprime to the length of a row: one that divides it would see the same columns in every row, and no other.
    private static long Stride(long count)
    {
        var stride = Math.Max(1, (count + SampledValues - 1) / SampledValues);
        while (BigInteger.GreatestCommonDivisor(stride, count) > 1)
        {
            stride++;
        }

        return stride;
    }
}
