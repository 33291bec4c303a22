using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Layers;

/// <summary>The activations of feed-forwards, by the names that a <c>config.json</c> has for them.</summary>
internal static class Activation
{
    private static readonly Dictionary<string, Func<Tensor, Tensor>> ByName = new(StringComparer.Ordinal)
    {
        ["gelu"] = x => functional.gelu(x),
        ["gelu_new"] = Tanh, // The three names of one approximation (arXiv 1606.08415, section 2).
        ["gelu_fast"] = Tanh,
        ["gelu_pytorch_tanh"] = Tanh,
        ["relu"] = x => functional.relu(x),
        ["silu"] = x => functional.silu(x),
        ["swish"] = x => functional.silu(x),
        ["tanh"] = x => x.tanh(),
    };

    /// <summary>The names, for a refusal.</summary>
    public static string Names { get; } = string.Join(", ", ByName.Keys.Order(StringComparer.Ordinal));

    /// <summary>Whether there is an activation of this name.</summary>
    public static bool Exists(string name) => ByName.ContainsKey(name);

    /// <summary>The activation of a checked name.</summary>
    public static Func<Tensor, Tensor> Of(string name) => ByName[name];

    private static Tensor Tanh(Tensor x) => functional.gelu(x, TorchSharp.Modules.GELU.Approximate.tanh);
}
