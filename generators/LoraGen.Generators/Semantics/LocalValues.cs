using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace LoraGen.Generators.Semantics;

/// <summary>Everything that a body ever assigns to its locals, in whatever order.</summary>
internal static class LocalValues
{
    public static ILookup<ISymbol, ValuePart> In(IEnumerable<IOperation> bodies)
        => bodies.SelectMany(body => body.DescendantsAndSelf()).SelectMany(Assigned).ToLookup(
            assigned => assigned.Local,
            assigned => assigned.Value,
            SymbolEqualityComparer.Default);

    private static IEnumerable<(ISymbol Local, ValuePart Value)> Assigned(IOperation operation) => operation switch
    {
        IVariableDeclaratorOperation declarator when declarator.GetVariableInitializer()?.Value is { } value
            => [(declarator.Symbol, new(value)), .. Aliased(declarator.Symbol, value)],
        ISimpleAssignmentOperation assignment => Bind(assignment.Target, new(assignment.Value)),
        IDeconstructionAssignmentOperation assignment => Bind(assignment.Target, new(assignment.Value)),
        ICoalesceAssignmentOperation assignment => Bind(assignment.Target, new(assignment.Value)),
        IForEachLoopOperation loop => Bind(loop.LoopControlVariable, new(loop.Collection, new(ValuePath.AnyItem))),
        IIsPatternOperation test => Bind(test.Pattern, new(test.Value)),
        ISwitchExpressionOperation choice => choice.Arms.SelectMany(arm => Bind(arm.Pattern, new(choice.Value))),
        ISwitchOperation choice => choice.Cases
            .SelectMany(section => section.Clauses)
            .OfType<IPatternCaseClauseOperation>()
            .SelectMany(clause => Bind(clause.Pattern, new(choice.Value))),

        // What another method assigns is unknown, but that it does so is not.
        IArgumentOperation { Parameter.RefKind: RefKind.Ref or RefKind.Out } argument => Bind(argument.Value, new(argument)),
        _ => [],
    };

    // `ref var alias = ref local;` may assign to the local under another name.
    private static IEnumerable<(ISymbol Local, ValuePart Value)> Aliased(ILocalSymbol alias, IOperation value)
        => alias.RefKind == RefKind.Ref ? Bind(value, new(value)) : [];

    // A target of an assignment: a local, a new one, or a tuple of such.
    private static IEnumerable<(ISymbol Local, ValuePart Value)> Bind(IOperation target, ValuePart value) => target switch
    {
        ILocalReferenceOperation reference => [(reference.Local, value)],
        IVariableDeclaratorOperation declarator => [(declarator.Symbol, value)],
        IDeclarationExpressionOperation declaration => Bind(declaration.Expression, value),
        ITupleOperation tuple => tuple.Elements.SelectMany((element, index) => Bind(element, ElementOf(value, index))),
        _ => [],
    };

    private static IEnumerable<(ISymbol Local, ValuePart Value)> Bind(IPatternOperation pattern, ValuePart value) => pattern switch
    {
        IDeclarationPatternOperation { DeclaredSymbol: { } local } => [(local, value)],
        IRecursivePatternOperation recursive =>
        [
            .. recursive.DeclaredSymbol is { } local ? [(local, value)] : Enumerable.Empty<(ISymbol, ValuePart)>(),
            .. recursive.DeconstructionSubpatterns.SelectMany((part, index) => Bind(part, ElementOf(value, index))),
            .. recursive.PropertySubpatterns.SelectMany(part => Bind(part.Pattern, new(part.Member))),
        ],
        IBinaryPatternOperation both => Bind(both.LeftPattern, value).Concat(Bind(both.RightPattern, value)),
        INegatedPatternOperation negated => Bind(negated.Pattern, value),
        _ => [],
    };

    private static ValuePart ElementOf(ValuePart value, int index) => value with { Path = ValuePath.Join(value.Path, new(index)) };
}
