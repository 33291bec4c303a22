namespace System.Runtime.CompilerServices;

/// <summary>What the compiler asks for to allow records on netstandard2.0, the one target that every host of a generator can load.</summary>
internal static class IsExternalInit;
