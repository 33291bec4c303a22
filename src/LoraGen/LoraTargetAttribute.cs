using System.ComponentModel;

namespace LoraGen;

/// <summary>
/// Marks a projection field to be adapted: <c>h = W0 x + (alpha / r) B A x</c> (arXiv 2106.09685, section 4.1). The field is a
/// <c>Linear</c>, an <c>Embedding</c> or a convolution (<c>Conv1d</c>, <c>Conv2d</c>, <c>Conv3d</c>) of TorchSharp, or a <see cref="Conv1D"/>. The defaults are PEFT's; a <see cref="LoraConfig"/> overrides them at run time.
/// </summary>
// Only fields can be adapted. Elsewhere the compiler would say no more than that; the analyzer LORA015 says what to do instead, and in a
// build it is heard only if the compiler has nothing to refuse: not the place, nor a second one on an assembly.
[AttributeUsage(
    AttributeTargets.Field | AttributeTargets.Property | AttributeTargets.Method | AttributeTargets.Class | AttributeTargets.Assembly,
    AllowMultiple = true)]
public sealed class LoraTargetAttribute : Attribute
{
    /// <summary>Adapts the field that the attribute stands on.</summary>
    public LoraTargetAttribute()
    {
    }

    /// <summary>Always error LORA015: a field of another class cannot be adapted from outside, since that class calls it itself.</summary>
    /// <param name="owner">The class that has the field.</param>
    /// <param name="field">The field's name.</param>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public LoraTargetAttribute(Type owner, string field)
        => (_, _) = (owner, field);

    /// <summary>The rank r of the update, at least 1 (PEFT: <c>r</c>).</summary>
    public int Rank { get; set; } = 8;

    /// <summary>The numerator of the scale alpha / r, above 0 (PEFT: <c>lora_alpha</c>).</summary>
    public double Alpha { get; set; } = 8;

    /// <summary>The probability of dropping an input of A while training, in [0, 1) (PEFT: <c>lora_dropout</c>).</summary>
    public double Dropout { get; set; }

    /// <summary>
    /// Whether the weight is decomposed into magnitude and direction (DoRA; PEFT: <c>use_dora</c>; arXiv 2402.09353). All adapted
    /// projections of a model must say the same.
    /// </summary>
    public bool UseDora { get; set; }

    /// <summary>
    /// Whether B has a bias: <c>h = W0 x + b + (alpha / r) (B A x + b_B)</c> (PEFT: <c>lora_bias</c>). For all but an
    /// <c>Embedding</c>, without DoRA and slices. All adapted projections of a model must say the same.
    /// </summary>
    public bool LoraBias { get; set; }

    /// <summary>How A and B of a new adapter begin (PEFT: <c>init_lora_weights</c>).</summary>
    public LoraInit Init { get; set; }

    /// <summary>
    /// Of how many equal slices a fused projection's output is made, such as 3 for q, k, v, where only those of <see cref="Trained"/> are to be
    /// adapted (loralib: <c>MergedLinear</c>). Each has an A and a B of its own, of rank <see cref="Rank"/>. For a <c>Linear</c> or a
    /// <see cref="Conv1D"/>. PEFT, which has no such layer, reads what is saved as one update of as many times the rank and alpha.
    /// </summary>
    public int Slices { get; set; } = 1;

    /// <summary>The slices that are adapted, from 0: <c>[0, 2]</c> for q and v (loralib: <c>enable_lora</c>).</summary>
    public int[]? Trained { get; set; }

    /// <summary>
    /// Whether the projection is adapted where no <see cref="LoraConfig"/> says what is; true unless given. With false it takes a
    /// <see cref="LoraConfig.TargetModules"/> that names it.
    /// </summary>
    public bool ByDefault { get; set; } = true;

    /// <summary>Whether this is the model's output head, which <see cref="LoraConfig.AllLinear"/> leaves out (transformers: <c>get_output_embeddings()</c>).</summary>
    public bool OutputHead { get; set; }

    /// <summary>The name of the generated projection method; by default the field's name in PascalCase (<c>q_proj</c>: <c>QProj</c>).</summary>
    public string? Name { get; set; }
}
