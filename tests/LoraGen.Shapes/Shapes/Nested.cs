using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample;

/// <summary>The outermost of four.</summary>
public static partial class Zoo
{
    /// <summary>An interface may hold classes too.</summary>
    public partial interface IHouse
    {
        /// <summary>And so may a record struct.</summary>
        public partial record struct Cage
        {
            /// <summary>The model, with a model inside.</summary>
            [LoraModel]
            public sealed partial class Lion : Module<Tensor, Tensor>
            {
                [LoraTarget] private readonly Linear mane;
                private readonly Paw left, right;

                /// <summary>left(mane(x)) + right(mane(x)).</summary>
                public Lion(long width)
                    : base(nameof(Lion))
                {
                    mane = Linear(width, 3);
                    (left, right) = (new Paw(), new Paw());
                    RegisterComponents();
                }

                /// <inheritdoc/>
                public override Tensor forward(Tensor x)
                {
                    var y = Mane(x);
                    return left.call(y) + right.call(y);
                }

                /// <summary>The innermost.</summary>
                [LoraModel]
                public sealed partial class Paw : Module<Tensor, Tensor>
                {
                    [LoraTarget] private readonly Linear claws;

                    /// <summary>claws(x).</summary>
                    public Paw()
                        : base(nameof(Paw))
                    {
                        claws = Linear(3, 2);
                        RegisterComponents();
                    }

                    /// <inheritdoc/>
                    public override Tensor forward(Tensor x) => Claws(x);
                }
            }
        }
    }
}
