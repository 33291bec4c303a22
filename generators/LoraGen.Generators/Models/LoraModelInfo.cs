namespace LoraGen.Generators.Models;

/// <summary>Everything that is written for one [LoraModel] class.</summary>
/// <param name="HintName">The generated file's name: the metadata name of the class and <c>.g.cs</c>.</param>
/// <param name="Namespace">The namespace as it is written in code, or empty for the global one.</param>
/// <param name="EnclosingTypes">The types to reopen around the class, the outermost first: <c>partial class Outer&lt;T&gt;</c>.</param>
/// <param name="Header">The class's own declaration: <c>partial class Block</c>.</param>
/// <param name="PlainName">Its name as a reader says it, without escapes and type parameters: <c>Block</c>.</param>
/// <param name="FullName">Its name from anywhere: <c>global::Sample.Block</c>.</param>
/// <param name="IsSkeleton">Whether nothing but an empty adapter is written, since the class has an error that leaves no room for more.</param>
/// <param name="IsSealed">Whether nothing derives from it, so that nothing of it need be virtual.</param>
/// <param name="Base">The [LoraModel] class that it derives from, or null.</param>
/// <param name="ModulesToSave">What its attribute says of ModulesToSave, as the items of a C# list; null where it says nothing.</param>
/// <param name="Targets">The annotated projections, in source order.</param>
/// <param name="Children">The children that are [LoraModel] themselves, in source order.</param>
internal sealed record LoraModelInfo(
    string HintName,
    string Namespace,
    EquatableArray<string> EnclosingTypes,
    string Header,
    string PlainName,
    string FullName,
    bool IsSkeleton,
    bool IsSealed,
    BaseInfo? Base,
    string? ModulesToSave,
    EquatableArray<TargetInfo> Targets,
    EquatableArray<ChildInfo> Children);
