using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Tests.Saver;

/// <summary>
/// A base and two adapters for it, the same in every process. The adapters differ in rank, alpha and values, and so in both their files.
/// </summary>
[LoraModel]
public sealed partial class TwoAdapters : nn.Module<Tensor, Tensor>
{
    private const long Width = 64;

    private static readonly LoraScale[] Scales = [new(2, 4, UseRslora: false), new(5, 20, UseRslora: false)];

    [LoraTarget] private readonly Linear proj;

    public TwoAdapters()
        : base(nameof(TwoAdapters))
    {
        using var inference = no_grad();
        proj = nn.Linear(Width, Width, hasBias: false);
        proj.weight.fill_(0.5);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => Proj(x);

    /// <summary>Makes number 0 or number 1.</summary>
    public Adapter Make(int number)
    {
        var adapter = CreateAdapter(new LoraConfig { Rank = Scales[number].Rank, Alpha = Scales[number].Alpha });
        using var inference = no_grad();
        adapter.proj.A.fill_(1 + number);
        adapter.proj.B.fill_(-1 - number);
        return adapter;
    }

    /// <summary>Which of the two an adapter is, in its scale, its shapes and every value; -1 for neither.</summary>
    public static int NumberOf(Adapter adapter)
    {
        var number = Array.IndexOf(Scales, adapter.proj.Scale);
        return number >= 0
            && adapter.proj.A.shape.SequenceEqual([Scales[number].Rank, Width])
            && adapter.proj.B.shape.SequenceEqual([Width, Scales[number].Rank])
            && adapter.proj.A.eq(1 + number).all().item<bool>()
            && adapter.proj.B.eq(-1 - number).all().item<bool>()
                ? number
                : -1;
    }
}
