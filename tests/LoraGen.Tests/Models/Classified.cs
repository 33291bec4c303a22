using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>
/// An embedding, a layer <c>dense</c> that is adapted by default, a projection <c>mix</c> that is not annotated, and a head of two
/// projections, of which one is named <c>dense</c> too. Every kind of projection is there, with and without a bias.
/// </summary>
[LoraModel]
public sealed partial class Classified : Module<Tensor, Tensor>
{
    public const int Ids = 9;
    public const int Width = 6;
    public const int Labels = 4;

    [LoraTarget(ByDefault = false)] private readonly Embedding wte;
    [LoraTarget(Rank = 2, Alpha = 6)] private readonly Linear dense;
    private readonly Linear mix;
    private readonly ClassifiedHead classifier;

    public Classified(ScalarType dtype = ScalarType.Float32, long labels = Labels, double? maxNorm = null)
        : base(nameof(Classified))
    {
        wte = Embedding(Ids, Width, max_norm: maxNorm, dtype: dtype);
        dense = Linear(Width, Width, hasBias: false, dtype: dtype);
        mix = Linear(Width, Width, dtype: dtype);
        classifier = new ClassifiedHead(Width, labels, dtype);
        RegisterComponents();
    }

    public override Tensor forward(Tensor ids) => classifier.call(mix.call(Dense(Wte(ids))));
}

/// <summary>A head with a module of its own, as RoBERTa's is.</summary>
[LoraModel]
public sealed partial class ClassifiedHead : Module<Tensor, Tensor>
{
    [LoraTarget(ByDefault = false)] private readonly Conv1D dense;
    [LoraTarget(ByDefault = false)] private readonly Linear out_proj;

    public ClassifiedHead(long width, long labels, ScalarType dtype)
        : base(nameof(ClassifiedHead))
    {
        (dense, out_proj) = (new Conv1D(width, width, dtype: dtype), Linear(width, labels, dtype: dtype));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => OutProj(Dense(x));
}
