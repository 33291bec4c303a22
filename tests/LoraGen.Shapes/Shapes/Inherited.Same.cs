using LoraGen;

namespace Sample;

/// <summary>Adds nothing: its adapter is its base class's by another name.</summary>
[LoraModel]
public sealed partial class Same : Layer
{
    /// <summary>A whole layer: x + up(x).</summary>
    public Same(long width)
        : base(nameof(Same), width) => RegisterComponents();
}
