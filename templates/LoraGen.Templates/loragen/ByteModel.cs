using LoraGen;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGenDemo;

/// <summary>A small Transformer that reads bytes and says which byte comes next.</summary>
[LoraModel]
public sealed partial class ByteModel : Module<Tensor, Tensor>
{
    public const int Context = 64;
    private readonly Embedding tokens, positions;
    private readonly ModuleList<Block> blocks;
    private readonly LayerNorm norm;
    private readonly Linear head;

    public ByteModel(int width = 96, int layers = 3, int heads = 4)
        : base(nameof(ByteModel))
    {
        tokens = Embedding(256, width);
        positions = Embedding(Context, width);
        blocks = new ModuleList<Block>([.. Enumerable.Range(0, layers).Select(_ => new Block(width, heads))]);
        norm = LayerNorm(width);
        head = Linear(width, 256);
        RegisterComponents();
    }

    /// <summary>Bytes [batch, length], length at most Context, to scores [batch, length, 256].</summary>
    public override Tensor forward(Tensor bytes)
    {
        using var scope = NewDisposeScope();
        var x = tokens.call(bytes) + positions.call(arange(bytes.shape[1], device: bytes.device));
        foreach (var block in blocks)
        {
            x = block.call(x);
        }

        return head.call(norm.call(x)).MoveToOuterDisposeScope();
    }
}

/// <summary>Attention and a feed-forward network, each with a residual connection. The marked projections get an adapter.</summary>
[LoraModel]
public sealed partial class Block : Module<Tensor, Tensor>
{
    private readonly LayerNorm norm1, norm2;
    [LoraTarget(Rank = 8, Alpha = 16)] private readonly Linear q_proj, v_proj;
    private readonly Linear k_proj, o_proj;
    [LoraTarget(Rank = 8, Alpha = 16)] private readonly Linear up_proj, down_proj;
    private readonly int heads;

    public Block(int width, int headCount)
        : base(nameof(Block))
    {
        (norm1, norm2, heads) = (LayerNorm(width), LayerNorm(width), headCount);
        (q_proj, k_proj, v_proj, o_proj) = (Linear(width, width), Linear(width, width), Linear(width, width), Linear(width, width));
        (up_proj, down_proj) = (Linear(width, 4 * width), Linear(4 * width, width));
        RegisterComponents();
    }

    // QProj, VProj, UpProj and DownProj are generated: the frozen projection and the active adapter's update.
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var y = norm1.call(x);
        var attended = functional.scaled_dot_product_attention(Heads(QProj(y)), Heads(k_proj.call(y)), Heads(VProj(y)), is_casual: true);
        x = x + o_proj.call(attended.transpose(1, 2).reshape(x.shape));
        return (x + DownProj(functional.gelu(UpProj(norm2.call(x))))).MoveToOuterDisposeScope();
    }

    // [batch, length, width] to [batch, heads, length, width / heads]
    private Tensor Heads(Tensor x) => x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2);
}
