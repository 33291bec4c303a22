namespace LoraGen;

/// <summary>
/// Marks a projection field to be adapted: <c>h = W0 x + (alpha / r) B A x</c> (arXiv 2106.09685, section 4.1).
/// The defaults are PEFT's; a <see cref="LoraConfig"/> overrides them at run time.
/// </summary>
[AttributeUsage(AttributeTargets.Field)]
public sealed class LoraTargetAttribute : Attribute
{
    /// <summary>The rank r of the update, at least 1 (PEFT: <c>r</c>).</summary>
    public int Rank { get; set; } = 8;

    /// <summary>The numerator of the scale alpha / r, above 0 (PEFT: <c>lora_alpha</c>).</summary>
    public double Alpha { get; set; } = 8;

    /// <summary>The probability of dropping an input of A while training, in [0, 1) (PEFT: <c>lora_dropout</c>).</summary>
    public double Dropout { get; set; }

    /// <summary>The name of the generated projection method; by default the field's name in PascalCase (<c>q_proj</c>: <c>QProj</c>).</summary>
    public string? Name { get; set; }
}
