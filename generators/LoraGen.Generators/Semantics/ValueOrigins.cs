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

    /// <summary>What is assigned to a local.</summary>
    public IEnumerable<ValuePart> AssignedTo(ILocalSymbol local) => _locals.Value[local];

    // Where a part of a value comes from in turn, or null where the value is an origin itself.
    private IEnumerable<ValuePart>? Sources(IOperation value, ValuePath? path)
    {
        return value switch
        {
            IConversionOperation { OperatorMethod: null } conversion => [new(conversion.Operand, path)],
            ISimpleAssignmentOperation assignment => [new(assignment.Value, path)],
            ILocalReferenceOperation local => AssignedTo(local.Local).Select(assigned => assigned with { Path = ValuePath.Join(assigned.Path, path) }),
            IParameterReferenceOperation parameter => parameter.FindItemSources().Select(source => new ValuePart(source, new(ValuePath.AnyItem, path))),

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

            // A value made of parts: the path gets shorter.
            ITupleOperation tuple when path is { Element: >= 0 } => tuple.Elements.Skip(path.Element).Take(1).Select(element => new ValuePart(element, path.Rest)),
            ISpreadOperation spread => [new(spread.Operand, new(ValuePath.AnyItem, path))],
            _ when path is { Element: ValuePath.AnyItem } && value.Parts().ToList() is { Count: > 0 } items => items.Select(item => new ValuePart(item, path.Rest)),
            _ => null,
        };

        IEnumerable<ValuePart> Either(params IOperation?[] values) => values.OfType<IOperation>().Select(chosen => new ValuePart(chosen, path));
    }

    // `pair.Item1` and `pair.projection` are one element.
    private static int IndexOf(IFieldSymbol field)
        => field.ContainingType.TupleElements.Select(ItemName).TakeWhile(name => name != ItemName(field)).Count();

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
