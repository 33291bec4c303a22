using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Semantics;

/// <summary>What an expression gives, or a part of that.</summary>
/// <param name="Value">The expression.</param>
/// <param name="Path">Which part of it, or null for the whole.</param>
internal readonly record struct ValuePart(IOperation Value, ValuePath? Path = null);
