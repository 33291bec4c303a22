using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>A model whose attribute says that its classifier is saved whole.</summary>
[LoraModel(ModulesToSave = ["classifier"])]
public partial class Tagged : Module<Tensor, Tensor>
{
    public const int Width = 5;

    [LoraTarget(Rank = 2)] private readonly Linear fc = Linear(Width, Width);
    [LoraTarget(ByDefault = false)] private readonly Linear score = Linear(Width, Width);
    [LoraTarget(ByDefault = false)] private readonly Linear classifier = Linear(Width, 3);

    public Tagged()
        : base(nameof(Tagged)) => RegisterComponents();

    public override Tensor forward(Tensor x) => Classifier(Score(Fc(x)));
}

/// <summary>A derived class that says nothing of it.</summary>
[LoraModel]
public sealed partial class TaggedAsBefore : Tagged;

/// <summary>A derived class that says something else.</summary>
[LoraModel(ModulesToSave = ["score"])]
public partial class TaggedOtherwise : Tagged;

/// <summary>One of that which says that nothing is saved.</summary>
[LoraModel(ModulesToSave = [])]
public sealed partial class TaggedWithNothing : TaggedOtherwise;

/// <summary>A model around one that says it.</summary>
[LoraModel]
public sealed partial class AroundTagged : Module<Tensor, Tensor>
{
    private readonly Tagged inner = new();

    public AroundTagged()
        : base(nameof(AroundTagged)) => RegisterComponents();

    public override Tensor forward(Tensor x) => inner.call(x);
}
