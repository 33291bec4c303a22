using SdkDocs.FineTuning;

namespace SdkDocs.Output;

/// <summary>What reloading, merging and unmerging showed.</summary>
internal static class ProofLines
{
    public static void Print(AdapterProof proof, string adapterFolder)
    {
        Console.WriteLine(FormattableString.Invariant(
            $"Reloaded {adapterFolder} into a fresh base: largest difference of a logit {proof.MaxReloadDifference:G3}."));
        Console.WriteLine(FormattableString.Invariant(
            $"Merged: largest difference of a logit to the unmerged model {proof.MaxMergeDifference:G3} in the base's bf16, {proof.MaxMergeDifferenceFp32:G3} in fp32; logits reach {proof.LargestLogit:G3}."));
        Console.WriteLine($"Unmerged: the base is {(proof.BaseRestoredBitExact ? "bit-identical" : "NOT bit-identical")} to what it was.");
    }
}
