using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>Component names that mean something else, or nothing, as regular expressions.</summary>
[LoraModel]
public sealed partial class Odd : Module<Tensor, Tensor>
{
    [ComponentName(Name = "w+"), LoraTarget(Rank = 2, Alpha = 5)] private readonly Linear plus;
    [ComponentName(Name = "w["), LoraTarget(Rank = 3, Alpha = 6)] private readonly Linear bracket;
    [ComponentName(Name = "a|b #(c)"), LoraTarget(Rank = 4, Alpha = 7)] private readonly Linear choice;
    [LoraTarget(Rank = 1, Alpha = 4)] private readonly Linear a;
    [LoraTarget(Rank = 1, Alpha = 4)] private readonly Linear w;

    public Odd()
        : base(nameof(Odd))
    {
        (plus, bracket, choice, a, w) = (Linear(4, 4), Linear(4, 4), Linear(4, 4), Linear(4, 4), Linear(4, 4));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => W(A(Choice(Bracket(Plus(x)))));
}
