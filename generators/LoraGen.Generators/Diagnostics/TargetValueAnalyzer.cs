using LoraGen.Generators.Semantics;
using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Diagnostics;

/// <summary>A rule about one value in [LoraTarget], reported at that value.</summary>
public abstract class TargetValueAnalyzer : TargetAnalyzer
{
    private readonly string _argument;

    private protected TargetValueAnalyzer(DiagnosticDescriptor rule, string argument)
        : base(rule) => _argument = argument;

    private protected sealed override Diagnostic? Check(LoraTargetField target)
        => !IsValid(target) && target.IsFirstOfDeclaration && target.FindValue(_argument) is { } value
            ? At(value.GetLocation(), value.ToString())
            : null;

    private protected abstract bool IsValid(LoraTargetField target);
}
