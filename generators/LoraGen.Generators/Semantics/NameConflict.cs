using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Semantics;

/// <summary>A member that cannot be generated because of its name.</summary>
/// <param name="Where">What the user can change: the member in the way, the name that [LoraTarget] gives, or else the field or class that asks for it.</param>
/// <param name="Name">The member's name.</param>
/// <param name="Reason">Why it cannot have this name, as the end of a sentence.</param>
/// <param name="Field">The target or child that asks for it, or null where it is a member of every [LoraModel] class.</param>
internal readonly record struct NameConflict(Location Where, string Name, string Reason, IFieldSymbol? Field = null);
