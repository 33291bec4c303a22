using System.Collections;
using System.Reflection;

namespace LoraGen.Generators.Tests.Running;

/// <summary>Everything that is reachable from a value through its fields and items.</summary>
internal static class ObjectGraph
{
    public static IReadOnlyCollection<object> From(object root)
    {
        var found = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var open = new Stack<object?>([root]);
        while (open.TryPop(out var value))
        {
            // A compiler's object is found; what it holds in turn is of no interest.
            if (value is null or string || value.GetType().IsPrimitive || !found.Add(value) || value.GetType().Namespace?.StartsWith("Microsoft.CodeAnalysis", StringComparison.Ordinal) == true)
            {
                continue;
            }

            if (value is IEnumerable items)
            {
                foreach (var item in items)
                {
                    open.Push(item);
                }
            }

            for (var type = value.GetType(); type is not null; type = type.BaseType)
            {
                foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                {
                    open.Push(field.GetValue(value));
                }
            }
        }

        return found;
    }
}
