using LoraGen.CodeFixes;
using LoraGen.Generators.Diagnostics;
using LoraGen.Generators.Tests.Running;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.Diagnostics;

namespace LoraGen.Generators.Tests.Diagnostics;

/// <summary>Each fix, over a document, a project and a solution: two documents in one project, and one in another.</summary>
public sealed class FixAllTests
{
    private const string Block = """
        [LoraModel]
        public partial class BlockN() : Module<Tensor, Tensor>("Block")
        {
            [LoraTarget] private readonly Linear fc = Linear(4, 4);
            public override Tensor forward(Tensor x) => Fc(x);
        }

        """;

    [Fact]
    public Task Make_partial() => FixesEverywhere<OfTheGenerator, MakePartialCodeFix>(
        """
        public static class OuterN
        {
            public struct Middle
            {
                [LoraModel]
                private class [|One|]() : Module("One")
                {
                    [LoraTarget] private readonly Linear up = Linear(4, 4);
                }
            }
        }
        """,
        """
        public static partial class OuterN
        {
            public partial struct Middle
            {
                [LoraModel]
                private partial class One() : Module("One")
                {
                    [LoraTarget] private readonly Linear up = Linear(4, 4);
                }
            }
        }
        """,
        diagnostics: 1);

    [Fact]
    public Task Add_LoraModel_to_a_class_with_targets() => FixesEverywhere<NoModelAnalyzer, AddModelCodeFix>(
        """
        public partial class MlpN() : Module("Mlp")
        {
            [LoraTarget] private readonly Linear [|up|] = Linear(4, 4);
        }
        """,
        """
        [LoraModel]
        public partial class MlpN() : Module("Mlp")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 4);
        }
        """,
        diagnostics: 1);

    [Fact]
    public Task Add_LoraModel_to_a_class_with_children() => FixesEverywhere<ModelInPlainModuleAnalyzer, AddModelCodeFix>(
        Block + """
        public class ResidualN() : Module("Residual")
        {
            private readonly BlockN [|inner|] = new();
        }
        """,
        Block + """
        [LoraModel]
        public partial class ResidualN() : Module("Residual")
        {
            private readonly BlockN inner = new();
        }
        """,
        diagnostics: 1);

    [Fact]
    public Task Call_the_generated_method() => FixesEverywhere<BypassedAdapterAnalyzer, CallAccessorCodeFix>(
        Block + """
        [LoraModel]
        public partial class MlpN() : Module<Tensor, Tensor>("Mlp")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 4), down = Linear(4, 4);
            public override Tensor forward(Tensor x) => [|down.call([|up.call(x)|])|];
        }
        """,
        Block + """
        [LoraModel]
        public partial class MlpN() : Module<Tensor, Tensor>("Mlp")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 4), down = Linear(4, 4);
            public override Tensor forward(Tensor x) => Down(Up(x));
        }
        """,
        diagnostics: 2);

    [Fact]
    public Task Use_a_ModuleList() => FixesEverywhere<UnfollowedChildAnalyzer, UseModuleListCodeFix>(
        Block + """
        [LoraModel]
        public partial class GptN() : Module("Gpt")
        {
            private readonly List<BlockN> [|h|] = [new()];
            public int Count => h.Count;
        }
        """,
        Block + """
        [LoraModel]
        public partial class GptN() : Module("Gpt")
        {
            private readonly ModuleList<BlockN> h = [new()];
            public int Count => h.Count;
        }
        """,
        diagnostics: 1);

    [Fact]
    public Task Declare_the_childs_class() => FixesEverywhere<UnfollowedChildAnalyzer, UseModelTypeCodeFix>(
        Block + """
        [LoraModel]
        public partial class GptN() : Module("Gpt")
        {
            private readonly Module block = [|new BlockN()|];
        }
        """,
        Block + """
        [LoraModel]
        public partial class GptN() : Module("Gpt")
        {
            private readonly BlockN block = new BlockN();
        }
        """,
        diagnostics: 1);

    private static Task FixesEverywhere<TAnalyzer, TFix>(string source, string fixedSource, int diagnostics)
        where TAnalyzer : DiagnosticAnalyzer, new()
        where TFix : CodeFixProvider, new()
    {
        var test = Rule<TAnalyzer>.TestOf<TFix>((source.Replace('N', 'A'), fixedSource.Replace('N', 'A')), (source.Replace('N', 'B'), fixedSource.Replace('N', 'B')));
        foreach (var (state, text) in new[] { (test.TestState, source), (test.FixedState, fixedSource) })
        {
            var other = state.AdditionalProjects["Other"];
            other.Sources.Add(TestCompilation.Usings + text.Replace("N", "C", StringComparison.Ordinal));
            other.AdditionalReferences.AddRange(test.TestState.AdditionalReferences);
        }

        test.NumberOfIncrementalIterations = 3 * diagnostics;
        test.NumberOfFixAllInDocumentIterations = 3;
        test.NumberOfFixAllInProjectIterations = 2;
        test.NumberOfFixAllIterations = 1;
        return test.RunAsync(TestContext.Current.CancellationToken);
    }
}
