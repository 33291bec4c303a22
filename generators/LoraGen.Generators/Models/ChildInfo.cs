namespace LoraGen.Generators.Models;

/// <summary>One child that is a [LoraModel] itself, or a ModuleList of them.</summary>
/// <param name="Component">The field and its component.</param>
/// <param name="AdapterType">The child's adapter: <c>global::Sample.Block.Adapter</c>.</param>
/// <param name="Class">
/// The child's [LoraModel] class, where the field's own type is another: a member of a derived class could stand before the generated one.
/// </param>
/// <param name="IsList">Whether the field is a ModuleList.</param>
/// <param name="IsPublic">Whether the adapter's field may be public; internal where the child's class is seen by less than its parent's.</param>
internal sealed record ChildInfo(ComponentInfo Component, string AdapterType, string? Class, bool IsList, bool IsPublic);
