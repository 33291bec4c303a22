using LoraGen.Transformers.Generation;

namespace LoraGen.Transformers.Tests.Generation;

/// <summary>Generation that ends when the test is ended.</summary>
internal static class Writing
{
    public static IReadOnlyList<GenerationResult> Write(this ICausalLM model, int[][] prompts, GenerationOptions options)
        => new TextGenerator(model).Generate(prompts, options, TestContext.Current.CancellationToken);
}
