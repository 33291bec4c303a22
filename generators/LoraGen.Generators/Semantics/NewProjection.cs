using System.Collections.Immutable;
using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace LoraGen.Generators.Semantics;

/// <summary>A <c>Linear(64, 192)</c>, <c>new Conv1D(64, 192)</c> or <c>Embedding(1000, 64)</c>, as far as its arguments are constants.</summary>
/// <param name="In">The length of A's rows, or null.</param>
/// <param name="Out">The length of the result, or null.</param>
/// <param name="HasMaxNorm">Whether it is an embedding that rescales the rows which it looks up.</param>
internal sealed record NewProjection(long? In, long? Out, bool HasMaxNorm)
{
    public static NewProjection? Find(IOperation value) => value.WithoutConversion() switch
    {
        IInvocationOperation { TargetMethod.Name: "Linear" or "Embedding" } call when call.TargetMethod.ContainingType.Is(KnownTypes.NeuralNetworks) => Of(call.Arguments),
        IObjectCreationOperation creation when creation.Type.Is(KnownTypes.Conv1D) => Of(creation.Arguments),
        _ => null,
    };

    private static NewProjection Of(ImmutableArray<IArgumentOperation> arguments)
    {
        return new NewProjection(Size(0), Size(1), arguments.Any(argument => argument.Parameter?.Name == "max_norm" && argument.Value.WithoutConversion().ConstantValue is { HasValue: true, Value: not null }));

        long? Size(int position) => arguments.FirstOrDefault(argument => argument.Parameter?.Ordinal == position)?.Value.ConstantValue.Value is (int or long or short or byte) and var size
            ? Convert.ToInt64(size, CultureInfo.InvariantCulture)
            : null;
    }
}
