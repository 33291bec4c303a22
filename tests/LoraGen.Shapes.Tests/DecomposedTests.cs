using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>DoRA by the attributes.</summary>
public sealed class DecomposedTests() : ShapeTests<Decomposed, Decomposed.Adapter>(new Decomposed(Width))
{
    protected override string[] BaseKeys => ["up.weight", "up.bias", "down.weight"];

    protected override string[] Targets => ["up", "down"];

    protected override string[] AdapterKeys =>
        [.. Targets.SelectMany(path => new[] { $"{path}.lora_A.weight", $"{path}.lora_B.weight", $"{path}.lora_magnitude_vector" })];

    protected override double[] Forward(Reference of, double[] x) => of.DoraTarget("down", of.DoraTarget("up", x, rank: 2, alpha: 5), rank: 3, alpha: 4);

    protected override Decomposed.Adapter Load(string folder, Decomposed model) => Decomposed.Adapter.Load(folder, model);
}
