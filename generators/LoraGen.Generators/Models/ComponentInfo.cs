namespace LoraGen.Generators.Models;

/// <summary>A field that holds a component of the model, and that the adapter mirrors.</summary>
/// <param name="Field">The field's name as it is written in code: <c>q_proj</c>, <c>@class</c>.</param>
/// <param name="Name">The component's name in the checkpoint's keys.</param>
/// <param name="IsNullable">Whether the field may be null, so that some instances have no such component.</param>
internal sealed record ComponentInfo(string Field, string Name, bool IsNullable);
