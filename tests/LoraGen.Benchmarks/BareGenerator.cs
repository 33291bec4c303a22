using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraGen.Benchmarks;

/// <summary>
/// What any generator for the same classes has Roslyn do: find the attribute and, with <paramref name="readsMembers"/>, bind what is
/// declared, namely base classes, the fields' types and their attributes. It writes nothing.
/// </summary>
internal sealed class BareGenerator(bool readsMembers) : IIncrementalGenerator
{
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        var classes = context.SyntaxProvider.ForAttributeWithMetadataName(
            "LoraGen.LoraModelAttribute",
            predicate: static (node, _) => node is ClassDeclarationSyntax,
            transform: (target, _) => readsMembers ? Read((INamedTypeSymbol)target.TargetSymbol) : 0);
        context.RegisterSourceOutput(classes, static (_, _) => { });
    }

    // How deep the base classes go, and how many values the attributes have.
    private static int Read(INamedTypeSymbol type)
    {
        var found = 0;
        for (var parent = type.BaseType; parent is not null; parent = parent.BaseType)
        {
            found++;
        }

        foreach (var field in type.GetMembers().OfType<IFieldSymbol>())
        {
            found += field.Type.Name.Length > 0 ? field.GetAttributes().Sum(attribute => attribute.NamedArguments.Length) : 0;
        }

        return found;
    }
}
