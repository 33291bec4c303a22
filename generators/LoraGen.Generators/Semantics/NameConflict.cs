using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Semantics;

/// <summary>A member that cannot be generated because of its name.</summary>
/// <param name="Cause">The class or field that asks for it.</param>
/// <param name="Name">The member's name.</param>
/// <param name="Reason">Why it cannot have this name, as the end of a sentence.</param>
internal readonly record struct NameConflict(ISymbol Cause, string Name, string Reason);
