namespace LoraGen.Transformers.Tests.Encoders;

/// <summary>An encoder of one sequence, padding included, in float64 and in loops.</summary>
internal interface INaiveEncoder
{
    double[][] Hidden(int[] ids, bool[] tokens, int[] tokenTypes);

    double[][] ClassifyTokens(double[][] hidden);

    double[] ClassifySequence(double[][] hidden);
}
