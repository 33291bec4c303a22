using LoraGen.Generators.Diagnostics;
using LoraGen.Generators.Tests.Running;
using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Tests.Diagnostics;

/// <summary>LORA015.</summary>
public sealed class MisplacedTargetTests
{
    // TorchSharp's, in another assembly. Two of them, since a model has more than one projection.
    [Fact]
    public Task Fields_of_a_class_of_another_assembly_are_found() => Rule<MisplacedTargetAnalyzer>.Says(
        "[LoraTarget] belongs on a 'Linear', 'Conv1D', 'Embedding', 'Conv1d', 'Conv2d' or 'Conv3d' field: a compiled class calls its projections itself, and nothing can step between 'TransformerEncoderLayer' and its 'linear1'; "
            + "copy the class, and annotate the fields there",
        """
        [assembly: {|#0:LoraTarget(typeof(TransformerEncoderLayer), "linear1", Rank = 8)|}]
        [assembly: [|LoraTarget(typeof(TransformerEncoderLayer), "linear2")|]]
        """);

    [Theory]
    [InlineData("\"q_proj\"")]
    [InlineData("nameof(Other.Block.q_proj)")]
    public Task A_field_of_a_class_of_this_assembly_is_found(string field) => Rule<MisplacedTargetAnalyzer>.Says(
        "[LoraTarget] belongs on a 'Linear', 'Conv1D', 'Embedding', 'Conv1d', 'Conv2d' or 'Conv3d' field: annotate the field 'q_proj' of 'Other.Block' itself",
        $$"""
        [assembly: {|#0:LoraTarget(typeof(Other.Block), {{field}}, Rank = 8)|}]

        namespace Other
        {
            public class Block
            {
                public Linear? q_proj;
            }
        }
        """);

    [Theory]
    [InlineData("[LoraTarget(Rank = 4)] [{|#0:LoraTarget|}]")]
    [InlineData("[LoraTarget, Obsolete, {|#0:LoraGen.LoraTarget(Rank = 8)|}]")]
    public Task A_second_one_on_a_field_is_found(string attributes) => Rule<MisplacedTargetAnalyzer>.Says(
        "[LoraTarget] belongs on a 'Linear', 'Conv1D', 'Embedding', 'Conv1d', 'Conv2d' or 'Conv3d' field: one for each; the first counts here, so delete the others",
        $$"""
        public class Holder
        {
            {{attributes}} public Linear? up;
        }
        """);

    [Theory]
    [InlineData("a property has no name in the checkpoint; make it a field", "[{|#0:LoraTarget|}] public Linear Up { get; } = Linear(4, 4);")]
    [InlineData("annotate the field, and call the method that is generated for it", "[{|#0:LoraTarget|}] public Tensor Up(Tensor x) => x;")]
    [InlineData("a class is marked with [LoraModel], and [LoraTarget] says which of its fields are adapted", "[{|#0:LoraGen.LoraTargetAttribute(Rank = 4)|}] public class Inner;")]
    public Task An_attribute_on_what_is_no_field_is_found(string reason, string member) => Rule<MisplacedTargetAnalyzer>.Says(
        $"[LoraTarget] belongs on a 'Linear', 'Conv1D', 'Embedding', 'Conv1d', 'Conv2d' or 'Conv3d' field: {reason}",
        $$"""
        public class Mlp() : Module<Tensor, Tensor>("Mlp")
        {
            {{member}}
            public override Tensor forward(Tensor x) => x;
        }
        """);

    [Fact]
    public Task An_assembly_alone_is_found() => Rule<MisplacedTargetAnalyzer>.Says(
        "[LoraTarget] belongs on a 'Linear', 'Conv1D', 'Embedding', 'Conv1d', 'Conv2d' or 'Conv3d' field: an assembly has none; annotate the fields of the class that calls them",
        "[assembly: {|#0:LoraTarget|}]");

    [Fact]
    public Task Another_class_on_a_field_is_found() => Rule<MisplacedTargetAnalyzer>.Finds("""
        public class Holder
        {
            [[|LoraTarget(typeof(Holder), nameof(up))|]] public Linear? up;
        }
        """);

    [Fact]
    public Task Fields_and_someone_elses_attribute_are_not() => Rule<MisplacedTargetAnalyzer>.Finds("""
        public class Fields
        {
            [LoraTarget] public Linear? up;
            [LoraTarget()] [Obsolete] public Linear? down;
            [field: LoraTarget] public Linear? Gate { get; }
            [Mine.LoraTarget] public Linear? Other { get; }
        }

        namespace Mine
        {
            public sealed class LoraTargetAttribute : Attribute;
        }
        """);

    // csc reports no analyzer's words beside an error of its own in a declaration.
    [Fact]
    public void The_compiler_adds_nothing() => Assert.DoesNotContain(
        GeneratorRun.Of("""
            [assembly: LoraTarget(typeof(Block), "q_proj", Rank = 8)]
            [assembly: LoraTarget(typeof(Block), "v_proj", Rank = 8)]

            [LoraTarget]
            public class Block
            {
                [LoraTarget, LoraTarget] public Linear? down;
                [LoraTarget] public Linear? Up { get; }
                [LoraTarget] public void Gate() { }
            }
            """).Complaints,
        complaint => complaint.Severity == DiagnosticSeverity.Error);
}
