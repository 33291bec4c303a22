using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace LoraGen.Generators.Semantics;

/// <summary>
/// Where a value may come from, as far as the body that it is used in tells. The order of its statements does not count: a local may
/// hold whatever is assigned to it anywhere.
/// </summary>
internal sealed class ValueOrigins(IEnumerable<IOperation> bodies)
{
    // Few bodies ask, so the assignments are looked up when the first question comes.
    private readonly Lazy<ILookup<ISymbol, ValuePart>> _locals = new(() => LocalValues.In(bodies));
    private readonly Lazy<ILookup<ISymbol, ValuePart>> _results = new(() => LocalFunctions.ResultsIn(bodies));

    /// <summary>The expressions that the value may come from, none of which is a copy, a conversion or a choice.</summary>
    public IEnumerable<IOperation> Of(IOperation? value) => Of(value, static _ => []);

    /// <summary>The same, and where what is found leads: each expression may name others to go on with.</summary>
    public IEnumerable<IOperation> Of(IOperation? value, Func<IOperation, IEnumerable<IOperation>> leadsTo)
    {
        var open = new Stack<ValuePart>();
        var seen = new HashSet<ValuePart>();
        Open(value is null ? [] : [new ValuePart(value)]);
        while (open.Count > 0)
        {
            var part = open.Pop();
            if (Sources(part.Value, part.Path) is { } sources)
            {
                Open(sources);
            }
            else if (part.Path is null)
            {
                yield return part.Value;
                Open(leadsTo(part.Value).Select(next => new ValuePart(next)));
            }
        }

        // Locals may be assigned to each other in a circle. The first source comes out first.
        void Open(IEnumerable<ValuePart> found)
        {
            foreach (var part in found.Reverse())
            {
                if (part.Path?.IsTooLong != true && seen.Add(part))
                {
                    open.Push(part);
                }
            }
        }
    }

    /// <summary>What is assigned to a local, or given to the parameter of a local function.</summary>
    public IEnumerable<ValuePart> AssignedTo(ISymbol local) => _locals.Value[local];

    // Where a part of a value comes from in turn, or null where the value is an origin itself.
    private IEnumerable<ValuePart>? Sources(IOperation value, ValuePath? path)
    {
        return value switch
        {
            IConversionOperation { OperatorMethod: null } conversion => [new(conversion.Operand, path)],
            ISimpleAssignmentOperation assignment => [new(assignment.Value, path)],
            ILocalReferenceOperation local => Along(AssignedTo(local.Local), path),
            IParameterReferenceOperation { Parameter.ContainingSymbol: IMethodSymbol { MethodKind: MethodKind.LocalFunction } } parameter
                => Along(AssignedTo(parameter.Parameter), path),
            IParameterReferenceOperation parameter => parameter.FindItemSources().Select(source => new ValuePart(source, new(ValuePath.AnyItem, path))),

            // A call of a function that stands in the body.
            IInvocationOperation { TargetMethod.MethodKind: MethodKind.LocalFunction } call => Along(ResultsOf(call), path),
            IInvocationOperation { TargetMethod.MethodKind: MethodKind.DelegateInvoke, Instance: { } function } => [new(function, new(ValuePath.Result, path))],
            IDelegateCreationOperation function when path is { Element: ValuePath.Result } => [new(function.Target, path)],
            IAnonymousFunctionOperation function when path is { Element: ValuePath.Result } => Along(_results.Value[function.Symbol], path.Rest),
            IMethodReferenceOperation function when path is { Element: ValuePath.Result } => Along(_results.Value[function.Method.OriginalDefinition], path.Rest),

            // A choice.
            IConditionalOperation choice => Either(choice.WhenTrue, choice.WhenFalse),
            ICoalesceOperation choice => Either(choice.Value, choice.WhenNull),
            ICoalesceAssignmentOperation choice => Either(choice.Target, choice.Value),
            ISwitchExpressionOperation choice => choice.Arms.Select(arm => new ValuePart(arm.Value, path)),

            // In q_proj?.call(x) the call's own receiver is a placeholder for what stands before the question mark.
            IConditionalAccessOperation access => [new(access.WhenNotNull, path)],
            IConditionalAccessInstanceOperation placeholder => FindAccess(placeholder) is { } access ? [new(access.Operation, path)] : [],

            // A part of a value: the path gets longer.
            IFieldReferenceOperation { Instance: { } tuple, Field: { ContainingType.IsTupleType: true } field } => [new(tuple, new(IndexOf(field), path))],
            IArrayElementReferenceOperation item => [new(item.ArrayReference, new(ValuePath.AnyItem, path))],
            IImplicitIndexerReferenceOperation item => [new(item.Instance, new(ValuePath.AnyItem, path))],
            IPropertyReferenceOperation { Property.IsIndexer: true, Instance: { } list } => [new(list, new(ValuePath.AnyItem, path))],
            IPropertyReferenceOperation { Instance: { } owner, Property: { ContainingType.IsAnonymousType: true } property } => [new(owner, new(IndexOf(property), path))],

            // new[] { q_proj }.Reverse().First()
            IInvocationOperation call when call.FindSources(path) is { Count: > 0 } sources => sources,

            // A value made of parts: the path gets shorter.
            IAnonymousObjectCreationOperation anonymous when path is { Element: >= 0 }
                => anonymous.Initializers.OfType<ISimpleAssignmentOperation>().Skip(path.Element).Take(1).Select(part => new ValuePart(part.Value, path.Rest)),
            ITupleOperation tuple when path is { Element: >= 0 } => tuple.Elements.Skip(path.Element).Take(1).Select(element => new ValuePart(element, path.Rest)),
            ISpreadOperation spread => [new(spread.Operand, new(ValuePath.AnyItem, path))],
            _ when path is { Element: ValuePath.AnyItem } && value.Parts().ToList() is { Count: > 0 } items => items.Select(item => new ValuePart(item, path.Rest)),
            _ => null,
        };

        static IEnumerable<ValuePart> Along(IEnumerable<ValuePart> values, ValuePath? path)
            => values.Select(part => part with { Path = ValuePath.Join(part.Path, path) });

        IEnumerable<ValuePart> Either(params IOperation?[] values) => values.OfType<IOperation>().Select(chosen => new ValuePart(chosen, path));
    }

    // A local function that returns its parameter returns what this call gave it, whatever the others did.
    private IEnumerable<ValuePart> ResultsOf(IInvocationOperation call)
        => from result in _results.Value[call.TargetMethod.OriginalDefinition]
           let parameter = (result.Value.WithoutConversion() as IParameterReferenceOperation)?.Parameter
           let given = call.Arguments.FirstOrDefault(argument => parameter is not null && SymbolEqualityComparer.Default.Equals(argument.Parameter?.OriginalDefinition, parameter))
           select given is null ? result : new ValuePart(given.Value);

    // `pair.Item1` and `pair.projection` are one element.
    private static int IndexOf(IFieldSymbol field)
        => field.ContainingType.TupleElements.Select(ItemName).TakeWhile(name => name != ItemName(field)).Count();

    private static int IndexOf(IPropertySymbol property)
        => property.ContainingType.GetMembers().OfType<IPropertySymbol>().TakeWhile(other => other.Name != property.Name).Count();

    private static string ItemName(IFieldSymbol element) => (element.CorrespondingTupleField ?? element).Name;

    private static IConditionalAccessOperation? FindAccess(IConditionalAccessInstanceOperation placeholder)
    {
        for (IOperation? child = placeholder, parent = placeholder.Parent; parent is not null; (child, parent) = (parent, parent.Parent))
        {
            if (parent is IConditionalAccessOperation access && access.WhenNotNull == child)
            {
                return access;
            }
        }

        return null;
    }
}
