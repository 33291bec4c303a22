using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>A generic class that holds one.</summary>
/// <typeparam name="T">The type parameter of the outer one.</typeparam>
public static partial class Outer<T>
    where T : struct
{
    /// <summary>The inner one.</summary>
    /// <typeparam name="T1">Its own type parameter.</typeparam>
    [LoraModel]
    public sealed partial class Inner<T1> : Module<Tensor, Tensor>
        where T1 : class
    {
        [LoraTarget] private readonly Linear up;

        /// <summary>up(x).</summary>
        public Inner(long width)
            : base(nameof(Inner<T1>))
        {
            up = Linear(width, 3);
            RegisterComponents();
        }

        /// <inheritdoc/>
        public override Tensor forward(Tensor x) => Up(x);
    }
}
