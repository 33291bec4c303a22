using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>An embedding, which drops nothing, before a projection that drops inputs.</summary>
[LoraModel]
public sealed partial class Words : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 2)] private readonly Embedding wte = Embedding(9, 6);
    [LoraTarget(Rank = 2, Dropout = 0.25)] private readonly Linear fc = Linear(6, 4);

    public Words()
        : base(nameof(Words)) => RegisterComponents();

    public override Tensor forward(Tensor ids) => Fc(Wte(ids));
}
