using System.Globalization;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests;

/// <summary>What a user's class may be beside the shapes that have a snapshot: the emitted code must compile.</summary>
public sealed class GeneratedShapeTests
{
    [Fact]
    public void Models_that_contain_each_other() => Compiles("Node.g.cs", """
        [LoraModel]
        public sealed partial class Node() : Module<Tensor, Tensor>("Node")
        {
            private readonly Pair? pair;
            private readonly ModuleList<Node> nodes = ModuleList<Node>();
            public override Tensor forward(Tensor x) => pair is null ? x : pair.call(x);
        }

        [LoraModel]
        public sealed partial class Pair() : Module<Tensor, Tensor>("Pair")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 4);
            private readonly Node node = new();
            public override Tensor forward(Tensor x) => node.call(Up(x));
        }
        """);

    [Fact]
    public void Classes_and_namespaces_whose_names_differ_in_case_only()
    {
        const string model = """
            [LoraModel]
            public sealed partial class NAME() : Module<Tensor, Tensor>("Mlp")
            {
                [LoraTarget] private readonly Linear up = Linear(4, 4);
                public override Tensor forward(Tensor x) => Up(x);
            }
            """;
        var run = GeneratorRun.Of(
            $"namespace One;\n{model.Replace("NAME", "Mlp", StringComparison.Ordinal)}\n{model.Replace("NAME", "MLP", StringComparison.Ordinal)}",
            $"namespace one;\n{model.Replace("NAME", "Mlp", StringComparison.Ordinal)}",
            $"namespace Two;\n{model.Replace("NAME", "Mlp", StringComparison.Ordinal)}");
        Assert.Equal(4, run.Files.Keys.Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.Contains("Two.Mlp.g.cs", run.Files.Keys);
        Assert.Empty(run.Complaints);
    }

    [Fact]
    public void A_private_child_beside_its_private_parent() => Compiles("Tests+Top.g.cs", """
        public static partial class Tests
        {
            [LoraModel]
            private sealed partial class Block() : Module<Tensor, Tensor>("Block")
            {
                [LoraTarget] private readonly Linear up = Linear(4, 4);
                public override Tensor forward(Tensor x) => Up(x);
            }

            [LoraModel]
            private sealed partial class Top() : Module<Tensor, Tensor>("Top")
            {
                private readonly Block one = new();
                public override Tensor forward(Tensor x) => one.call(x);
            }

            public static Module<Tensor, Tensor> Model => new Top();
        }
        """);

    [Fact]
    public void A_file_without_nullable_and_a_namespace_named_LoraGen_and_TorchSharp() => Compiles("Mine.LoraGen.TorchSharp.Mlp.g.cs", """
        #nullable disable
        namespace Mine.LoraGen.TorchSharp
        {
            [global::LoraGen.LoraModel]
            public sealed partial class Mlp() : Module<Tensor, Tensor>("Mlp")
            {
                [global::LoraGen.LoraTarget] private readonly Linear up = Linear(4, 4);
                public override Tensor forward(Tensor x) => Up(x);
            }
        }
        """);

    [Fact]
    public void A_child_that_is_not_generated_is_left_out_and_the_rest_stays() => Compiles(
        "Top.g.cs",
        """
        [LoraModel]
        public sealed partial class Top() : Module<Tensor, Tensor>("Top")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 4);
            private readonly Broken broken = new();
            public override Tensor forward(Tensor x) => broken.call(Up(x));
        }

        [LoraModel]
        public sealed partial class Broken() : Module<Tensor, Tensor>("Broken")
        {
            [LoraTarget(Rank = 0)] private readonly Linear up = Linear(4, 4);
            public override Tensor forward(Tensor x) => x;
        }
        """);

    [Fact]
    public void The_text_is_the_same_in_every_culture_and_has_no_carriage_return()
    {
        const string source = """
            [LoraModel]
            public sealed partial class Mlp() : Module<Tensor, Tensor>("Mlp")
            {
                [LoraTarget(Rank = 4, Alpha = 1e-7, Dropout = 0.1)] private readonly Linear iron = Linear(4, 4);
                public override Tensor forward(Tensor x) => Iron(x);
            }
            """;
        var here = CultureInfo.CurrentCulture;
        try
        {
            // A decimal comma and a minus sign of its own.
            CultureInfo.CurrentCulture = new CultureInfo("") { NumberFormat = { NumberDecimalSeparator = ",", NegativeSign = "\u2212" } };
            var text = GeneratorRun.Of(source.ReplaceLineEndings("\r\n")).Files["Mlp.g.cs"];
            Assert.Contains("Iron(", text, StringComparison.Ordinal);
            Assert.Contains("rank: 4, alpha: 1E-07d, dropout: 0.1d", text, StringComparison.Ordinal);
            Assert.DoesNotContain('\r', text);
        }
        finally
        {
            CultureInfo.CurrentCulture = here;
        }
    }

    [Fact]
    public void A_class_in_several_files_is_the_same_whichever_of_them_is_compiled_first()
    {
        var compilation = TestCompilation.Create(
            "[LoraModel] public sealed partial class Mlp() : Module<Tensor, Tensor>(\"Mlp\") { [LoraTarget] Linear b = Linear(4, 4), a = Linear(4, 4); }",
            "partial class Mlp { [LoraTarget] Linear c = Linear(4, 4); public override Tensor forward(Tensor x) => C(A(B(x))); }");
        var reversed = compilation.RemoveAllSyntaxTrees().AddSyntaxTrees(compilation.SyntaxTrees.Reverse());
        Assert.Equal(GeneratorRun.Of(compilation).Files["Mlp.g.cs"], GeneratorRun.Of(reversed).Files["Mlp.g.cs"]);
    }

    private static void Compiles(string file, string source)
    {
        var run = GeneratorRun.Of(source);
        Assert.Contains(file, run.Files.Keys);
        Assert.Empty(run.Complaints);
    }
}
