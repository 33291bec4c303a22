namespace LoraGen.Generators.Semantics;

/// <summary>The way to a part of a value: an element of a tuple or an item of a collection, and then perhaps a part of that.</summary>
/// <param name="Element">The tuple's element, or <see cref="AnyItem"/>.</param>
/// <param name="Rest">The way on from there.</param>
internal sealed record ValuePath(int Element, ValuePath? Rest = null)
{
    /// <summary>Some item of a collection: which one, nobody counts.</summary>
    public const int AnyItem = -1;

    /// <summary>Deeper nesting is not followed. A collection that holds itself would be nested without end.</summary>
    public bool IsTooLong => Rest?.Rest?.Rest is not null;

    /// <summary>First the one way, then the other.</summary>
    public static ValuePath? Join(ValuePath? first, ValuePath? then)
        => first is null ? then : first with { Rest = Join(first.Rest, then) };
}
