using System.Xml.Linq;
using LoraGen.Generators.Tests.Running;
using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Tests;

/// <summary>What an editor shows over a generated member.</summary>
public sealed class TooltipTests
{
    [Theory]
    [InlineData("Mlp", "Up", "up(x) and, when an adapter is active, its update: W0 x + b + (alpha / r) B A x; rank 4, alpha 6, scale 1.5, dropout 0.1 unless a LoraConfig says otherwise.")]
    [InlineData("Mlp", "Down", "down(x) and, when an adapter is active, its update: W0 x + b + (alpha / r) B A x; rank 3, alpha 1, scale 0.33333 unless a LoraConfig says otherwise.")]
    [InlineData("Mlp+Adapter", "up", "The update of up, (alpha / r) B A: A [r, in_features], B [out_features, r]; rank 4, alpha 6, scale 1.5, dropout 0.1 unless a LoraConfig says otherwise.")]
    public void It_has_the_maths_and_the_values_of_the_attribute(string type, string member, string summary)
    {
        var symbol = Assert.Single(GeneratorRun.Of("""
            [LoraModel]
            public sealed partial class Mlp() : Module<Tensor, Tensor>("Mlp")
            {
                [LoraTarget(Rank = 4, Alpha = 6, Dropout = 0.1)] private readonly Linear up = Linear(4, 8);
                [LoraTarget(Rank = 3, Alpha = 1)] private readonly Linear down = Linear(8, 4);
                public override Tensor forward(Tensor x) => Down(Up(x));
            }
            """).Output.GetTypeByMetadataName(type)!.GetMembers(member));
        Assert.Equal(summary, Comment(symbol).Element("summary")!.Value);
    }

    // An editor follows <inheritdoc/> to the overridden member or to the interface's: without one there is nothing to show.
    [Fact]
    public void Every_member_that_a_user_sees_has_a_text_of_its_own_or_one_to_inherit()
    {
        var members = ShapeFiles.Run.Output.SourceModule.GlobalNamespace.GetMembers().SelectMany(WithMembers)
            .Where(member => member.DeclaredAccessibility == Accessibility.Public && !member.IsImplicitlyDeclared)
            .Where(member => member is not IMethodSymbol { AssociatedSymbol: not null })
            .Where(member => member.Locations[0].SourceTree is { } tree && ShapeFiles.Run.GeneratedTrees.Contains(tree))
            .ToList();
        Assert.True(members.Count > 100);
        Assert.All(members, member => Assert.True(
            Comment(member).Element("summary") is { Value.Length: > 0 } || (Comment(member).Element("inheritdoc") is not null && Inherits(member)),
            $"{member.ToDisplayString()} shows nothing."));
    }

    private static bool Inherits(ISymbol member)
        => member.IsOverride
            || member.ContainingType.AllInterfaces.SelectMany(type => type.GetMembers())
                .Any(declared => SymbolEqualityComparer.Default.Equals(member.ContainingType.FindImplementationForInterfaceMember(declared), member));

    private static XElement Comment(ISymbol member)
        => member.GetDocumentationCommentXml(cancellationToken: TestContext.Current.CancellationToken) is { Length: > 0 } text ? XElement.Parse(text) : new XElement("none");

    private static IEnumerable<ISymbol> WithMembers(ISymbol symbol)
        => symbol is INamespaceOrTypeSymbol container ? container.GetMembers().SelectMany(WithMembers).Prepend(symbol).Where(member => member is not INamespaceSymbol) : [symbol];
}
