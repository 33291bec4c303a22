using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Semantics;

/// <summary>
/// What was found out about a symbol, so that the next class that asks need not look again. A symbol belongs to one compilation and never
/// changes; the fact goes when the symbol does, and keeps no compilation alive.
/// </summary>
internal sealed class SymbolFacts<TSymbol, TFact>(Func<TSymbol, TFact> find)
    where TSymbol : class, ISymbol
    where TFact : class
{
    private readonly ConditionalWeakTable<TSymbol, TFact> _facts = new();
    private readonly ConditionalWeakTable<TSymbol, TFact>.CreateValueCallback _find = symbol => find(symbol);

    public TFact Of(TSymbol symbol) => _facts.GetValue(symbol, _find);
}
