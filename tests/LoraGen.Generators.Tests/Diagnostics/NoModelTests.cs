using LoraGen.CodeFixes;
using LoraGen.Generators.Diagnostics;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests.Diagnostics;

/// <summary>LORA002.</summary>
public sealed class NoModelTests
{
    [Fact]
    public Task A_target_in_a_plain_class_is_found() => Rule<NoModelAnalyzer>.Says(
        "'up' is a [LoraTarget], but 'Mlp' is not a [LoraModel], so nothing would adapt it: mark 'Mlp' with [LoraModel]",
        """
        public partial class Mlp() : Module<Tensor, Tensor>("Mlp")
        {
            [LoraTarget] private readonly Linear {|#0:up|} = Linear(4, 8);
            public override Tensor forward(Tensor x) => up.call(x);
        }
        """);

    [Fact]
    public Task A_target_in_a_class_that_only_derives_from_a_model_is_found() => Rule<NoModelAnalyzer>.Finds("""
        [LoraModel]
        public partial class Mlp() : Module<Tensor, Tensor>("Mlp")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 8);
            public override Tensor forward(Tensor x) => Up(x);
        }

        public class Wide : Mlp
        {
            [LoraTarget] private readonly Linear [|down|] = Linear(8, 4);
        }
        """);

    [Fact]
    public Task A_target_in_a_model_and_a_plain_field_are_not() => Rule<NoModelAnalyzer>.Finds("""
        [LoraModel]
        public partial class Mlp() : Module<Tensor, Tensor>("Mlp")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 8);
            private readonly Linear down = Linear(8, 4);
            public override Tensor forward(Tensor x) => down.call(Up(x));
        }

        public class Plain() : Module<Tensor, Tensor>("Plain")
        {
            private readonly Linear up = Linear(4, 8);
            public override Tensor forward(Tensor x) => up.call(x);
        }
        """);

    [Fact]
    public Task The_fix_adds_LoraModel_and_partial() => Rule<NoModelAnalyzer>.Fixes<AddModelCodeFix>(
        """
        public static class Models
        {
            /// <summary>One.</summary>
            public sealed class One() : Module<Tensor, Tensor>("One")
            {
                [LoraTarget] private readonly Linear [|q|] = Linear(4, 8), [|v|] = Linear(4, 8);
                public override Tensor forward(Tensor x) => x;
            }
        }

        [Obsolete]
        class Two() : Module<Tensor, Tensor>("Two")
        {
            [LoraTarget] private readonly Linear [|up|] = Linear(4, 8);
            public override Tensor forward(Tensor x) => x;
        }
        """,
        """
        public static partial class Models
        {
            /// <summary>One.</summary>
            [LoraModel]
            public sealed partial class One() : Module<Tensor, Tensor>("One")
            {
                [LoraTarget] private readonly Linear q = Linear(4, 8), v = Linear(4, 8);
                public override Tensor forward(Tensor x) => x;
            }
        }

        [LoraModel]
        [Obsolete]
        partial class Two() : Module<Tensor, Tensor>("Two")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 8);
            public override Tensor forward(Tensor x) => x;
        }
        """,
        diagnostics: 2);

    [Fact]
    public Task There_is_no_fix_in_what_cannot_be_a_Module() => Rule<NoModelAnalyzer>.DoesNotFix<AddModelCodeFix>("""
        public partial struct Pair
        {
            [LoraTarget] private readonly Linear [|up|];
        }

        public partial record Record
        {
            [LoraTarget] private readonly Linear [|up|] = Linear(4, 4);
        }

        public static partial class Shared
        {
            [LoraTarget] private static readonly Linear [|up|] = Linear(4, 4);
        }
        """);
}
