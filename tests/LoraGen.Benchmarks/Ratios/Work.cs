namespace LoraGen.Benchmarks.Ratios;

/// <summary>One piece of work, and how a table names it. What it makes it also frees.</summary>
internal sealed record Work(string Name, Action Run);
