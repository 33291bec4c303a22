using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>The one weight of a projection, whatever its kind.</summary>
internal static class ProjectionWeight
{
    /// <summary>
    /// The module's own handle, which is not the caller's to dispose: <c>Embedding.weight</c> would make a new one at every look (TorchSharp
    /// 0.107).
    /// </summary>
    public static Parameter Of(nn.Module projection) => projection.get_parameter("weight")!;
}
