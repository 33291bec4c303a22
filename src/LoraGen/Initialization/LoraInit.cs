namespace LoraGen;

/// <summary>
/// How A and B of a new adapter begin (PEFT: <c>init_lora_weights</c>). Whatever they begin with, but for <see cref="Random"/>, the update is
/// zero and the base unchanged.
/// </summary>
public enum LoraInit
{
    /// <summary>
    /// A from U(-1/sqrt(in), 1/sqrt(in)), which is Kaiming-uniform with a = sqrt(5), and B zero, where in of a convolution is times the kernel; of an embedding A zero and B from N(0, 1)
    /// (PEFT: <c>true</c>).
    /// </summary>
    Kaiming,

    /// <summary>A from N(0, 1/r^2) and B zero; of an embedding as <see cref="Kaiming"/> (PEFT: <c>gaussian</c>).</summary>
    Gaussian,

    /// <summary>
    /// A as with <see cref="Kaiming"/> and B from U(-1/sqrt(r), 1/sqrt(r)); of an embedding both from N(0, 1). The output is then not the
    /// base's: it is for tests (PEFT: <c>false</c>).
    /// </summary>
    Random,

    /// <summary>A and B random, with B A zero but for rounding; r is even (PEFT: <c>orthogonal</c>). Not for an embedding or a convolution.</summary>
    Orthogonal,

    /// <summary>
    /// A and B are the r largest singular values and vectors of the base's weight (PEFT: <c>pissa</c>; arXiv 2404.02948), by the exact
    /// decomposition or by the one of <see cref="LoraConfig.PissaIterations"/>. r is at most in and out. Not for an embedding or a convolution.
    /// </summary>
    /// <remarks>
    /// PEFT takes s B A out of the base's weight. Here the base is not written: the adapter keeps (A0, B0) and adds s (B A - B0 A0), which is
    /// zero to the last bit at the start. Saved, it is a plain LoRA of rank 2 r for the untouched base, as PEFT's conversion makes one.
    /// </remarks>
    Pissa,

    /// <summary>
    /// B and A are the first r columns and rows of the base's weight in its QR decomposition (PEFT: <c>olora</c>; arXiv 2406.01775). The base
    /// is not written and the adapter is saved as with <see cref="Pissa"/>. Not for an embedding or a convolution.
    /// </summary>
    Olora,

    /// <summary>
    /// A and B are what quantising the base's weight loses (PEFT: <c>loftq</c>; arXiv 2310.08659): the r largest singular values and vectors of
    /// W - Q, where Q is the weight in <see cref="LoraConfig.LoftqBits"/> bits, <see cref="LoraConfig.LoftqIterations"/> times over. The base is
    /// neither quantised nor written, and the adapter is saved as with <see cref="Pissa"/>; <see cref="LoraQuantization.QuantizeAndCreateAdapter"/>
    /// makes Q of the base, and the adapter for it. r is at most in and out. Not for an embedding or a convolution.
    /// </summary>
    Loftq,

    /// <summary>
    /// A has the directions in which the projection's inputs vary most, and B is zero (PEFT: <c>eva</c>; arXiv 2410.07170). Only
    /// <see cref="LoraActivations.CreateAdapterFromActivations"/> begins so, since it takes a sample of them. r is at most in. Not for an embedding or a convolution.
    /// </summary>
    Eva,
}
