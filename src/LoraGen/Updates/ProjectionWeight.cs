using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>The weight of a projection, whatever its kind, and the names of what it has.</summary>
internal static class ProjectionWeight
{
    public const string WeightName = "weight";

    /// <summary>Not every projection has one, and no embedding does.</summary>
    public const string BiasName = "bias";

    /// <summary>
    /// The module's own handle, which is not the caller's to dispose: <c>Embedding.weight</c> would make a new one at every look (TorchSharp
    /// 0.107).
    /// </summary>
    public static Parameter Of(nn.Module projection) => projection.get_parameter(WeightName)!;
}
