using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary><c>lora_bias</c> by the attributes.</summary>
public sealed class BiasOfBTests() : ShapeTests<BiasOfB, BiasOfB.Adapter>(new BiasOfB(Width))
{
    protected override string[] BaseKeys => ["up.weight", "up.bias", "down.weight", "down.bias"];

    protected override string[] Targets => ["up", "down"];

    protected override string[] AdapterKeys =>
        [.. Targets.SelectMany(path => new[] { $"{path}.lora_A.weight", $"{path}.lora_B.weight", $"{path}.lora_B.bias" })];

    protected override string[] MergedKeys => BaseKeys;

    protected override double[] Forward(Reference of, double[] x)
    {
        var up = of.WithBiasOfB("up", of.Target("up", x, rank: 2, alpha: 5), rank: 2, alpha: 5);
        return of.WithBiasOfB("down", of.Conv1DTarget("down", up, rank: 3, alpha: 4), rank: 3, alpha: 4);
    }

    protected override BiasOfB.Adapter Load(string folder, BiasOfB model) => BiasOfB.Adapter.Load(folder, model);
}
