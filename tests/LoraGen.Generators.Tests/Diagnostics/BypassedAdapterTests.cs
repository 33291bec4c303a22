using LoraGen.CodeFixes;
using LoraGen.Generators.Diagnostics;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests.Diagnostics;

/// <summary>LORA005.</summary>
public sealed class BypassedAdapterTests
{
    [Fact]
    public Task A_call_of_a_projection_of_any_kind_is_found() => Rule<BypassedAdapterAnalyzer>.Finds("""
        [LoraModel]
        public partial class Gpt() : Module<Tensor, Tensor>("Gpt")
        {
            [LoraTarget] private readonly Embedding wte = Embedding(8, 4);
            [LoraTarget] private readonly Conv1D c_attn = new(4, 4);
            public override Tensor forward(Tensor ids) => [|c_attn.call([|wte.forward(ids)|])|] + CAttn(Wte(ids));
        }
        """);

    [Fact]
    public Task A_direct_call_is_found() => Rule<BypassedAdapterAnalyzer>.Says(
        "'q_proj' is called past its adapter: call 'QProj' in its place",
        Model("public override Tensor forward(Tensor x) => {|#0:q_proj.call(x)|};"));

    [Theory]
    [InlineData("[|q_proj.forward(x)|]")]
    [InlineData("[|this.q_proj.call(x)|]")]
    [InlineData("q_proj?[|.call(x)|] ?? x")]
    [InlineData("this?.q_proj?[|.call(x)|] ?? x")]
    [InlineData("this?[|.q_proj.call(x)|] ?? x")]
    [InlineData("[|q_proj!.call(x)|]")]
    [InlineData("[|((Module<Tensor, Tensor>)q_proj).call(x)|]")]
    [InlineData("Apply([|q_proj.forward|], x)")]
    [InlineData("new Func<Tensor, Tensor>([|q_proj.call|])(x)")]
    [InlineData("[|v_proj.call([|q_proj.call(x)|])|]")]
    public Task Other_ways_to_call_it_are_found(string call) => Rule<BypassedAdapterAnalyzer>.Finds(Model($"public override Tensor forward(Tensor x) => {call};"));

    [Theory]
    [InlineData("QProj(x)")]
    [InlineData("k_proj.call(x)")]
    [InlineData("q_proj.weight!")]
    [InlineData("nameof(q_proj.forward) is null ? x : x")]
    [InlineData("q_proj.parameters().GetEnumerator() is null ? x : x")]
    public Task Everything_else_is_not(string call) => Rule<BypassedAdapterAnalyzer>.Finds(Model($"public override Tensor forward(Tensor x) => {call};"));

    [Fact]
    public Task A_call_from_another_class_is_found_and_fixed() => Rule<BypassedAdapterAnalyzer>.Fixes<CallAccessorCodeFix>(
        Model("public override Tensor forward(Tensor x) => QProj(x);") + """

        public class Prober
        {
            public Tensor Probe(Attention attention, Tensor x) => [|attention.q_proj.call(x)|];
        }

        public class Heir : Attention
        {
            public override Tensor forward(Tensor x) => [|q_proj.call(x)|];
        }
        """,
        Model("public override Tensor forward(Tensor x) => QProj(x);") + """

        public class Prober
        {
            public Tensor Probe(Attention attention, Tensor x) => attention.QProj(x);
        }

        public class Heir : Attention
        {
            public override Tensor forward(Tensor x) => QProj(x);
        }
        """,
        diagnostics: 2);

    [Fact]
    public Task A_call_that_null_skips_is_left_to_the_user() => Rule<BypassedAdapterAnalyzer>.DoesNotFix<CallAccessorCodeFix>(
        Model("public override Tensor forward(Tensor x) => q_proj?[|.call(x)|] ?? x;"));

    [Fact]
    public Task The_fix_calls_the_generated_method() => Rule<BypassedAdapterAnalyzer>.Fixes<CallAccessorCodeFix>(
        Model("""
            public override Tensor forward(Tensor x)
            {
                // Nested calls, and the comments around them.
                x = [|v_proj.call([|q_proj.call(x /* input */)|])|]; // done
                x = [|this.q_proj.forward(x)|] + [|(q_proj!).call(x)|];
                /* first */ [|q_proj.call(x)|].Dispose();
                return Apply([|q_proj.forward|], x) + [|last.call(x)|];
            }

            private Tensor Of(Attention other, Tensor x) => [|other.q_proj.call(x)|];

            private static class Nested
            {
                public static Tensor Of(Attention other, Tensor x) => [|other.q_proj.call(x)|];
            }
            """),
        Model("""
            public override Tensor forward(Tensor x)
            {
                // Nested calls, and the comments around them.
                x = VProj(QProj(x /* input */)); // done
                x = this.QProj(x) + QProj(x);
                /* first */ QProj(x).Dispose();
                return Apply(QProj, x) + @event(x);
            }

            private Tensor Of(Attention other, Tensor x) => other.QProj(x);

            private static class Nested
            {
                public static Tensor Of(Attention other, Tensor x) => other.QProj(x);
            }
            """),
        diagnostics: 9);

    private static string Model(string members) => $$"""
        [LoraModel]
        public partial class Attention() : Module<Tensor, Tensor>("Attention")
        {
            [LoraTarget] internal readonly Linear q_proj = Linear(4, 4), v_proj = Linear(4, 4);
            [LoraTarget(Name = "event")] private readonly Linear last = Linear(4, 4);
            private readonly Linear k_proj = Linear(4, 4);
            private static Tensor Apply(Func<Tensor, Tensor> f, Tensor x) => f(x);

            {{members}}
        }
        """;

    // LORA003, LORA009, LORA013: there is no such method to call. A rank of 0 has one.
    [Theory]
    [InlineData("[LoraTarget] private readonly LayerNorm norm = LayerNorm(4);", "norm.call(x)")]
    [InlineData("[LoraTarget] private static readonly Linear norm = Linear(4, 4);", "norm.call(x)")]
    [InlineData("[LoraTarget] private readonly Linear Norm = Linear(4, 4);", "Norm.call(x)")]
    [InlineData("[LoraTarget(Rank = 0)] private readonly Linear norm = Linear(4, 4);", "[|norm.call(x)|]")]
    public Task A_target_without_a_generated_method_is_not(string field, string call) => Rule<BypassedAdapterAnalyzer>.Finds($$"""
        [LoraModel]
        public partial class Mlp<T>() : Module<Tensor, Tensor>("Mlp")
        {
            {{field}}
            public override Tensor forward(Tensor x) => {{call}};
        }
        """);
}
