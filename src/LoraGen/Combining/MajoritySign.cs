namespace LoraGen;

/// <summary>How the methods of TIES elect the sign of a value (PEFT: <c>majority_sign_method</c>). A tie is positive.</summary>
public enum MajoritySign
{
    /// <summary>The sign of the sum of the values.</summary>
    Total,

    /// <summary>The sign that more of the values have.</summary>
    Frequency,
}
