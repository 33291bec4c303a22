namespace LoraGen.Generators.Semantics;

/// <summary>The way to a part of a value: an element of a tuple, an item of a collection or the result of a function, and then perhaps a part of that.</summary>
/// <param name="Element">The tuple's element, <see cref="AnyItem"/> or <see cref="Result"/>.</param>
/// <param name="Rest">The way on from there.</param>
internal sealed record ValuePath(int Element, ValuePath? Rest = null)
{
    /// <summary>Some item of a collection: which one, nobody counts.</summary>
    public const int AnyItem = -1;

    /// <summary>What a function returns.</summary>
    public const int Result = -2;

    /// <summary>Deeper nesting is not followed. A collection that holds itself would be nested without end.</summary>
    public bool IsTooLong => Rest?.Rest?.Rest is not null;

    /// <summary>First the one way, then the other.</summary>
    public static ValuePath? Join(ValuePath? first, ValuePath? then)
        => first is null ? then : first with { Rest = Join(first.Rest, then) };
}
