using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>A base class that holds the class which derives from it.</summary>
[LoraModel]
public abstract partial class InheritedNested : Module<Tensor, Tensor>
{
    [LoraTarget] private readonly Linear up;

    /// <inheritdoc cref="Layer(string, long)"/>
    protected InheritedNested(string name, long width)
        : base(name)
    {
        up = Linear(width, width);
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => Up(x);

    /// <summary>The derived class.</summary>
    [LoraModel]
    public sealed partial class Inside : InheritedNested
    {
        [LoraTarget] private readonly Linear down;

        /// <summary>down(up(x)).</summary>
        public Inside(long width)
            : base(nameof(Inside), width)
        {
            down = Linear(width, 3);
            RegisterComponents();
        }

        /// <inheritdoc/>
        public override Tensor forward(Tensor x) => Down(base.forward(x));
    }
}
