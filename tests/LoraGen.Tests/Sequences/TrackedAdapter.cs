using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Sequences;

/// <summary>An adapter beside what it must hold, in plain arrays.</summary>
internal sealed class TrackedAdapter(Echo.Adapter real, Shape shape, IReadOnlyDictionary<string, Factors> factors)
{
    public Echo.Adapter Real => real;

    public Shape Shape => shape;

    /// <summary>A and B of every targeted projection, by its path.</summary>
    public Dictionary<string, Factors> Factors { get; } = new(factors);

    public ScalarType Dtype { get; set; } = ScalarType.Float32;

    public bool IsDisposed { get; set; }

    /// <summary>The gradients that the adapter holds, each with the error that it may have, or null where it holds none.</summary>
    public Dictionary<string, (Factors Value, Factors Error)>? Gradients { get; set; }

    public LowRankUpdate Update(string path) => path == TrackedBase.Paths[0] ? real.fc : real.inside.fc;

    /// <summary>What A and B must be from now on, in their format.</summary>
    public void NoteValues(IReadOnlyDictionary<string, Factors> values)
    {
        foreach (var (path, factors) in values)
            Factors[path] = factors.RoundedTo(Dtype);
    }

    /// <summary>Writes what must be into A and B.</summary>
    public void WriteByHand()
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        foreach (var (path, (a, b)) in Factors)
        {
            Update(path).A.copy_(tensor(a).view_as(Update(path).A));
            Update(path).B.copy_(tensor(b).view_as(Update(path).B));
        }
    }

    /// <summary>The same through <c>load_state_dict</c>.</summary>
    public void WriteByStateDict()
    {
        using var scope = NewDisposeScope();
        real.load_state_dict(Factors
            .SelectMany(item => new[] { ($"{item.Key}.lora_A.weight", tensor(item.Value.A).view_as(Update(item.Key).A)), ($"{item.Key}.lora_B.weight", tensor(item.Value.B).view_as(Update(item.Key).B)) })
            .ToDictionary(item => item.Item1, item => item.Item2));
    }

    /// <summary>Steps by the gradients that the adapter holds, checks the step, and goes on from where the adapter is then.</summary>
    public void Descend()
    {
        const double rate = 0.125;
        using (var optimizer = optim.SGD(real.parameters(), rate))
        {
            optimizer.step();
        }

        foreach (var (path, (value, error)) in Gradients!)
        {
            var found = Held(path);
            AssertStepped(Factors[path].A, value.A, error.A, found.A);
            AssertStepped(Factors[path].B, value.B, error.B, found.B);
            Factors[path] = found;
        }

        // The product and the sum are rounded too.
        void AssertStepped(double[,] before, double[,] gradient, double[,] error, double[,] found) => Rounding.AssertWithin(
            Matrices.Zip(before, gradient, (b, g) => b - (rate * g)),
            found,
            Matrices.Zip(error, Matrices.Zip(before, gradient, (b, g) => Math.Abs(b) + (2 * rate * Math.Abs(g))), (e, size) => (rate * e) + (Rounding.Unit(Dtype) * size)),
            unit: 1.01,
            roundings: 1);
    }

    /// <summary>Checks that A and B are what they must be, to the last bit.</summary>
    public void AssertHolds()
    {
        foreach (var (path, expected) in Factors)
        {
            var found = Held(path);
            Assert.Equal(expected.A, found.A);
            Assert.Equal(expected.B, found.B);
        }
    }

    private Factors Held(string path)
    {
        using var scope = NewDisposeScope();
        return new Factors(Values.Matrix(Update(path).A.flatten(1)), Values.Matrix(Update(path).B.flatten(1)));
    }
}
