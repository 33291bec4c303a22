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

    /// <summary>The lower <c>fc</c>: a convolution whose kernel is as large as what it looks at, and so a matrix times all of it.</summary>
    [LoraModel]
    public sealed partial class Inside : Module<Tensor, Tensor>
    {
        [LoraTarget] private readonly Conv1d fc;

        public Inside()
            : base(nameof(Inside))
        {
            fc = Conv1d(2, 4, 2);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => Fc(x.view(-1, 2, 2)).flatten(1);
    }
}
