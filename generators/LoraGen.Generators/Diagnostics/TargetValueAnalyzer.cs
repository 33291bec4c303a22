using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraGen.Generators.Diagnostics;

/// <summary>A rule about one value in [LoraTarget], reported at that value.</summary>
public abstract class TargetValueAnalyzer : TargetAnalyzer
{
    private readonly string _argument;

    private protected TargetValueAnalyzer(DiagnosticDescriptor rule, string argument)
        : base(rule) => _argument = argument;

    private protected sealed override Diagnostic? Check(LoraTargetField target)
    {
        if (IsValid(target) || target.Attribute.ApplicationSyntaxReference?.GetSyntax() is not AttributeSyntax attribute || !IsFirstOfDeclaration(target.Field))
        {
            return null;
        }

        var value = attribute.ArgumentList?.Arguments.FirstOrDefault(argument => argument.NameEquals?.Name.Identifier.ValueText == _argument)?.Expression;
        return value is null ? null : At(value.GetLocation(), value.ToString());
    }

    private protected abstract bool IsValid(LoraTargetField target);

    // `[LoraTarget(Rank = 0)] Linear q, v;` has one mistake.
    private static bool IsFirstOfDeclaration(IFieldSymbol field)
        => field.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax() is not VariableDeclaratorSyntax { Parent: VariableDeclarationSyntax declaration } variable
            || declaration.Variables[0] == variable;
}
