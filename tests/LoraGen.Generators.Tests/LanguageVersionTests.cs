using LoraGen.Generators.Tests.Running;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace LoraGen.Generators.Tests;

/// <summary>The oldest C# that a user's project may be compiled as: its adapters override with their own types, which C# 8 cannot.</summary>
public sealed class LanguageVersionTests
{
    // Every kind of member that is generated, in a class that is written as C# 8.
    private const string Source = """
        namespace Sample
        {
            [LoraModel]
            public partial class Mlp : Module<Tensor, Tensor>
            {
                [LoraTarget(Rank = 4, Dropout = 0.1)] private readonly Linear up = Linear(4, 4);
                [LoraTarget] private readonly Linear? gate;
                public Mlp() : base("Mlp") { RegisterComponents(); }
                public override Tensor forward(Tensor x) => gate is null ? Up(x) : Gate(x);
            }

            [LoraModel]
            public sealed partial class Wide : Mlp
            {
                [LoraTarget(Slices = 2, Trained = new[] { 1 }, Init = LoraInit.Gaussian)] private readonly Linear down = Linear(4, 4);
                private readonly Mlp next = new Mlp();
                public override Tensor forward(Tensor x) => next.call(Down(base.forward(x)));
            }

            [LoraModel]
            public partial class Gpt : Module<Tensor, Tensor>
            {
                private readonly ModuleList<Mlp> h = new ModuleList<Mlp>();
                private readonly ModuleList<Wide>? tail;
                private readonly Wide? last;
                public Gpt() : base("Gpt") { RegisterComponents(); }
                public override Tensor forward(Tensor x) => x;
                public static Gpt.Adapter Of(Gpt model) => model.CreateAdapter();
            }
        }
        """;

    [Fact]
    public void Generated_code_compiles_as_C_sharp_9() => Assert.Empty(ComplaintsOf(LanguageVersion.CSharp9));

    [Fact]
    public void Of_C_sharp_8_the_compiler_asks_for_9()
    {
        var complaints = ComplaintsOf(LanguageVersion.CSharp8);
        Assert.Contains("CS8400", complaints.Select(complaint => complaint.Id));
        Assert.All(complaints, complaint => Assert.EndsWith(".g.cs", complaint.Location.SourceTree!.FilePath, StringComparison.Ordinal));
    }

    private static List<Diagnostic> ComplaintsOf(LanguageVersion version)
    {
        var tree = CSharpSyntaxTree.ParseText(TestCompilation.Usings + Source, TestCompilation.ParseOptions.WithLanguageVersion(version), "Sample.cs");
        return [.. GeneratorRun.Of(TestCompilation.Create([tree])).Complaints];
    }
}
