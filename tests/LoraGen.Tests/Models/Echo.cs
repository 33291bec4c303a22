using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>The same name <c>fc</c> at the top and below it, where a name alone cannot say which is meant.</summary>
[LoraModel]
public sealed partial class Echo : Module<Tensor, Tensor>
{
    [LoraTarget] private readonly Linear fc;
    private readonly Inside inside;

    public Echo()
        : base(nameof(Echo))
    {
        fc = Linear(4, 4);
        inside = new Inside();
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => inside.call(Fc(x));

    /// <summary>The lower <c>fc</c>.</summary>
    [LoraModel]
    public sealed partial class Inside : Module<Tensor, Tensor>
    {
        [LoraTarget] private readonly Linear fc;

        public Inside()
            : base(nameof(Inside))
        {
            fc = Linear(4, 4);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => Fc(x);
    }
}
