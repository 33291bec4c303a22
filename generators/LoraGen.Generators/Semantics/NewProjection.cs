using System.Collections.Immutable;
using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace LoraGen.Generators.Semantics;

/// <summary>A <c>Linear(64, 192)</c>, <c>new Conv1D(64, 192)</c>, <c>Embedding(1000, 64)</c> or <c>Conv2d(3, 64, 7)</c>, as far as its arguments are constants.</summary>
/// <param name="In">The length of A's rows, of a convolution without the kernel, or null.</param>
/// <param name="Out">The length of the result, or null.</param>
/// <param name="HasMaxNorm">Whether it is an embedding that rescales the rows which it looks up.</param>
/// <param name="Groups">Into how many groups the channels of a convolution are parted, or null.</param>
internal sealed record NewProjection(long? In, long? Out, bool HasMaxNorm, long? Groups)
{
    public static NewProjection? Find(IOperation value) => value.WithoutConversion() switch
    {
        IInvocationOperation { TargetMethod.Name: "Linear" or "Embedding" or "Conv1d" or "Conv2d" or "Conv3d" } call when call.TargetMethod.ContainingType.Is(KnownTypes.NeuralNetworks) => Of(call.Arguments),
        IObjectCreationOperation creation when creation.Type.Is(KnownTypes.Conv1D) => Of(creation.Arguments),
        _ => null,
    };

    private static NewProjection Of(ImmutableArray<IArgumentOperation> arguments)
    {
        var hasMaxNorm = arguments.Any(argument => argument.Parameter?.Name == "max_norm" && argument.Value.WithoutConversion().ConstantValue is { HasValue: true, Value: not null });
        return new NewProjection(Size(parameter => parameter.Ordinal == 0), Size(parameter => parameter.Ordinal == 1), hasMaxNorm, Size(parameter => parameter.Name == "groups"));

        long? Size(Func<IParameterSymbol, bool> isMeant) => arguments.FirstOrDefault(argument => argument.Parameter is { } parameter && isMeant(parameter))?.Value.ConstantValue.Value is (int or long or short or byte) and var size
            ? Convert.ToInt64(size, CultureInfo.InvariantCulture)
            : null;
    }
}
