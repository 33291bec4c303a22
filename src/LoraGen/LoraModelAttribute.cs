namespace LoraGen;

/// <summary>
/// Marks a partial TorchSharp <c>Module</c> class whose <see cref="LoraTargetAttribute"/> fields, and whose child modules that carry
/// this attribute too, form one adaptable tree. The generator writes the other half of the class.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class LoraModelAttribute : Attribute;
