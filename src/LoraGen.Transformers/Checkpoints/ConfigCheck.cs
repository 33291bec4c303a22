using LoraGen.Transformers.Layers;

namespace LoraGen.Transformers.Checkpoints;

/// <summary>The checks that the configs of several architectures have in common.</summary>
/// <param name="Place">The file, or the config's own name where it was made in code.</param>
internal readonly record struct ConfigCheck(string Place)
{
    /// <exception cref="LoraException">The condition does not hold.</exception>
    public void Require(bool holds, string key, string expected, object? found)
    {
        if (!holds)
        {
            throw ConfigFile.Refusal(Place, key, expected, FormattableString.Invariant($"{found}"));
        }
    }

    /// <exception cref="LoraException">It is zero or less.</exception>
    public void Size(string key, int value) => Require(value > 0, key, "a positive number", value);

    /// <exception cref="LoraException">It is zero, less, or no number.</exception>
    public void Epsilon(string key, double value) => Require(double.IsFinite(value) && value > 0, key, "a positive number", value);

    /// <exception cref="LoraException">It is outside [0, 1).</exception>
    public void Dropout(string key, double value) => Require(value is >= 0 and < 1, key, "a probability in [0, 1)", value);

    /// <exception cref="LoraException">There is no such activation.</exception>
    public void ActivationName(string key, string value) => Require(Activation.Exists(value), key, $"one of {Activation.Names}", value);

    /// <exception cref="LoraException">The width is no multiple of the number of heads.</exception>
    public void Heads(string widthKey, int width, string headsKey, int heads) => Require(width % heads == 0, widthKey, $"a multiple of {headsKey} ({heads})", width);
}
