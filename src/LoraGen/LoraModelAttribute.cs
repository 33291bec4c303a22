namespace LoraGen;

/// <summary>
/// Marks a partial TorchSharp <c>Module</c> class whose <see cref="LoraTargetAttribute"/> fields, and whose child modules that carry
/// this attribute too, form one adaptable tree. The generator writes the other half of the class.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class LoraModelAttribute : Attribute
{
    /// <summary>
    /// What <see cref="LoraConfig.ModulesToSave"/> is for a new adapter of this model where no <see cref="LoraConfig"/> says it: the modules that
    /// are trained whole, such as <c>["classifier"]</c> (PEFT: <c>modules_to_save</c>). It takes the place of what <see cref="LoraConfig.TaskType"/>
    /// would save; empty saves nothing. A derived class that leaves it out has its base class's. As a child, the class has its parent's.
    /// </summary>
    public string[]? ModulesToSave { get; set; }
}
