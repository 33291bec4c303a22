using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Training.Optimization;

/// <summary>
/// fp32 twins of half-precision parameters. An update of 1e-4 of a bf16 weight rounds to nothing, so the optimizer steps the twins, and
/// each step rounds them back once. An fp32 parameter is its own twin.
/// </summary>
public sealed class MasterWeights : IDisposable
{
    private readonly List<(Parameter Model, Parameter Master)> _pairs;

    /// <summary>Makes twins on the parameters' own devices.</summary>
    public MasterWeights(IEnumerable<Parameter> parameters)
    {
        _pairs = [.. parameters.Select(parameter => (parameter, parameter.dtype == ScalarType.Float32 ? parameter : Twin(parameter)))];
    }

    /// <summary>What the optimizer steps, in the order given.</summary>
    public IReadOnlyList<Parameter> Masters => [.. _pairs.Select(pair => pair.Master)];

    private static Parameter Twin(Parameter parameter)
    {
        using var detached = parameter.detach();
        return (Parameter)new Parameter(detached.to_type(ScalarType.Float32)).DetachFromDisposeScope();
    }

    /// <summary>Hands the gradients of the model's parameters to their twins, in fp32, and clears them there.</summary>
    public void TakeGradients()
    {
        using var scope = NewDisposeScope();
        foreach (var (model, master) in _pairs)
        {
            if (!ReferenceEquals(model, master) && model.grad is { } gradient)
            {
                master.grad = gradient.to_type(ScalarType.Float32);
                model.grad = null;
            }
        }
    }

    /// <summary>Rounds the twins back into the model's parameters.</summary>
    public void WriteBack()
    {
        using var inference = no_grad();
        foreach (var (model, master) in _pairs)
        {
            if (!ReferenceEquals(model, master))
            {
                model.copy_(master);
            }
        }
    }

    /// <summary>Frees the twins, never the model's parameters.</summary>
    public void Dispose()
    {
        foreach (var (model, master) in _pairs)
        {
            if (!ReferenceEquals(model, master))
            {
                master.Dispose();
            }
        }
    }
}
