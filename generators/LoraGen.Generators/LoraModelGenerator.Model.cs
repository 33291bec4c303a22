using LoraGen.Generators.Diagnostics;
using LoraGen.Generators.Models;
using LoraGen.Generators.Semantics;
using LoraGen.Generators.Writing;
using Microsoft.CodeAnalysis;

namespace LoraGen.Generators;

public sealed partial class LoraModelGenerator
{
    /// <summary>The class as a whole.</summary>
    private static partial class Model
    {
        private static readonly SymbolDisplayFormat NameFromWithin = new(
            genericsOptions: SymbolDisplayGenericsOptions.IncludeTypeParameters,
            miscellaneousOptions: SymbolDisplayMiscellaneousOptions.EscapeKeywordIdentifiers);

        /// <summary>Reads the class: what to write for it, or that it is not partial; neither where its own members leave no room for an adapter.</summary>
        public static (LoraModelInfo? Model, ClosedClassInfo? Closed) Gather(GeneratorAttributeSyntaxContext context, CancellationToken token)
        {
            var model = new LoraModelClass((INamedTypeSymbol)context.TargetSymbol, token);
            if (!IsFirstMention(context, model.Type))
            {
                return (null, null);
            }

            token.ThrowIfCancellationRequested();
            return model switch
            {
                { IsGenerated: true } => (Gather(model) with { Targets = Targets.Gather(model), Children = Children.Gather(model) }, null),
                { IsSkeleton: true } => (Gather(model) with { IsSkeleton = true }, null),
                _ => (null, NotPartialRule.Find(model)),
            };
        }

        private static LoraModelInfo Gather(LoraModelClass model)
        {
            var space = model.Type.ContainingNamespace;
            return new LoraModelInfo(
                HintName: HintNames.Gather(model.Type),
                Namespace: space.IsGlobalNamespace ? "" : space.ToDisplayString(),
                EnclosingTypes: new([.. model.Type.WithContainingTypes().Skip(1).Reverse().Select(Header)]),
                Header: Header(model.Type),
                PlainName: model.Type.Name,
                FullName: model.Type.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat),
                IsSkeleton: false,
                IsSealed: model.Type.IsSealed,
                Base: model.Base is null ? null : new BaseInfo(GeneratedNames.AdapterOf(model.Base), GeneratedNames.AdapterOf(model.Root)),
                ModulesToSave: model.ModulesToSave is { } names ? string.Concat(names.Select(name => $", {Literals.Quote(name)}")) : null,
                Targets: default,
                Children: default);
        }

        // Twice the attribute, on two parts of a class, is the user's error; the file must be added once all the same.
        private static bool IsFirstMention(GeneratorAttributeSyntaxContext context, INamedTypeSymbol type)
            => type.FindAttribute(KnownTypes.LoraModelAttribute)?.ApplicationSyntaxReference is { } first
                && first.SyntaxTree == context.TargetNode.SyntaxTree
                && context.TargetNode.Span.Contains(first.Span);

        private static string Header(INamedTypeSymbol type)
        {
            var keyword = type switch
            {
                { TypeKind: TypeKind.Interface } => "interface",
                { TypeKind: TypeKind.Struct, IsRecord: true } => "record struct",
                { TypeKind: TypeKind.Struct } => "struct",
                { IsRecord: true } => "record",
                _ => "class",
            };
            return $"partial {keyword} {type.ToDisplayString(NameFromWithin)}";
        }
    }
}
