using System.Security.Cryptography;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>
/// A digest that tells one base from another: key, shape and up to 16,384 evenly spaced values of every tensor, rounded to bf16, so
/// that a checkpoint has one fingerprint whether it is held in bf16 or in fp32.
/// </summary>
public static class BaseFingerprint
{
    private const int SampledValues = 16_384;

    /// <summary>SHA-256 of a module's <c>state_dict</c> as described above, in lower-case hexadecimal.</summary>
    public static string Of(nn.Module module)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (key, tensor) in module.state_dict().OrderBy(item => item.Key, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{key}[{string.Join(',', tensor.shape)}]\n"));
            Append(hash, tensor);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        var flat = tensor.detach().reshape(-1);
        var stride = Math.Max(1, flat.NumberOfElements / SampledValues);
        var sample = flat.slice(0, 0, flat.NumberOfElements, stride).to_type(ScalarType.BFloat16).cpu().contiguous();
        hash.AppendData(sample.bytes);
    }
}
