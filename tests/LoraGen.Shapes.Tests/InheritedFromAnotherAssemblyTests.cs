using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A base class of another assembly.</summary>
public sealed class InheritedFromAnotherAssemblyTests() : ShapeTests<InheritedFromAnotherAssembly, InheritedFromAnotherAssembly.Adapter>(new InheritedFromAnotherAssembly(Width))
{
    protected override string[] BaseKeys => ["push.weight", "push.bias", "pull.weight", "pull.bias"];

    protected override string[] Targets => ["push", "pull"];

    protected override double[] Forward(Reference of, double[] x) => of.Target("pull", of.Target("push", x));

    protected override InheritedFromAnotherAssembly.Adapter Load(string folder, InheritedFromAnotherAssembly model) => InheritedFromAnotherAssembly.Adapter.Load(folder, model);
}
