using LoraGen.CodeFixes;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests.Diagnostics;

/// <summary>LORA001.</summary>
public sealed class NotPartialTests
{
    [Fact]
    public Task A_class_that_is_not_partial_is_found() => Rule<OfTheGenerator>.Says(
        "'Mlp' must be partial: LoraGen writes the other half of the [LoraModel] class 'Mlp' in a file of its own",
        """
        [LoraModel]
        public sealed class {|#0:Mlp|}() : Module<Tensor, Tensor>("Mlp")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 8);
            public override Tensor forward(Tensor x) => x;
        }
        """);

    [Fact]
    public Task A_containing_type_that_is_not_partial_is_found() => Rule<OfTheGenerator>.Says(
        "'Models' must be partial: LoraGen writes the other half of the [LoraModel] class 'Mlp' in a file of its own",
        """
        public static class Models
        {
            [LoraModel]
            private partial class {|#0:Mlp|}() : Module<Tensor, Tensor>("Mlp")
            {
                [LoraTarget] private readonly Linear up = Linear(4, 8);
                public override Tensor forward(Tensor x) => x;
            }
        }
        """);

    [Fact]
    public Task A_file_local_class_is_found() => Rule<OfTheGenerator>.Says(
        "'Mlp' must not be a file-local type: LoraGen writes the other half of the [LoraModel] class 'Mlp' in a file of its own",
        """
        [LoraModel]
        file partial class {|#0:Mlp|}() : Module<Tensor, Tensor>("Mlp")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 8);
            public override Tensor forward(Tensor x) => x;
        }
        """);

    [Fact]
    public Task A_partial_class_in_a_partial_struct_and_a_plain_class_are_not() => Rule<OfTheGenerator>.Finds("""
        public partial struct Models
        {
            [LoraModel]
            private partial class Mlp() : Module<Tensor, Tensor>("Mlp")
            {
                [LoraTarget] private readonly Linear up = Linear(4, 8);
                public override Tensor forward(Tensor x) => Up(x);
            }
        }

        public sealed class Plain() : Module<Tensor, Tensor>("Plain")
        {
            private readonly Linear up = Linear(4, 8);
            public override Tensor forward(Tensor x) => up.call(x);
        }
        """);

    [Fact]
    public Task The_fix_makes_all_of_them_partial() => Rule<OfTheGenerator>.Fixes<MakePartialCodeFix>(
        """
        // The models.
        static class Models
        {
            /// <summary>One.</summary>
            [LoraModel]
            public sealed class [|One|]() : Module<Tensor, Tensor>("One")
            {
                [LoraTarget] private readonly Linear up = Linear(4, 8);
                public override Tensor forward(Tensor x) => x;
            }

            [LoraModel]
            partial class [|Two|]() : Module<Tensor, Tensor>("Two")
            {
                [LoraTarget] private readonly Linear up = Linear(4, 8);
                public override Tensor forward(Tensor x) => x;
            }
        }
        """,
        """
        // The models.
        static partial class Models
        {
            /// <summary>One.</summary>
            [LoraModel]
            public sealed partial class One() : Module<Tensor, Tensor>("One")
            {
                [LoraTarget] private readonly Linear up = Linear(4, 8);
                public override Tensor forward(Tensor x) => x;
            }

            [LoraModel]
            partial class Two() : Module<Tensor, Tensor>("Two")
            {
                [LoraTarget] private readonly Linear up = Linear(4, 8);
                public override Tensor forward(Tensor x) => x;
            }
        }
        """);

    [Fact]
    public Task The_fix_keeps_the_comment_of_a_class_without_modifiers() => Rule<OfTheGenerator>.Fixes<MakePartialCodeFix>(
        """
        [LoraModel]
        // Small.
        class [|One|]() : Module<Tensor, Tensor>("One")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 8);
            public override Tensor forward(Tensor x) => x;
        }
        """,
        """
        [LoraModel]
        // Small.
        partial class One() : Module<Tensor, Tensor>("One")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 8);
            public override Tensor forward(Tensor x) => x;
        }
        """);

    [Fact]
    public Task There_is_no_fix_for_a_file_local_class() => Rule<OfTheGenerator>.DoesNotFix<MakePartialCodeFix>("""
        [LoraModel]
        file partial class [|Mlp|]() : Module<Tensor, Tensor>("Mlp")
        {
            [LoraTarget] private readonly Linear up = Linear(4, 8);
            public override Tensor forward(Tensor x) => x;
        }
        """);
}
