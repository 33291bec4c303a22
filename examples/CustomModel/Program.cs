// Your own Transformer with LoRA: the base learns to copy a word, one adapter to reverse it, one to move each letter on by one.
using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

Func<Tensor, Tensor> copy = words => words, reverse = words => words.flip(1), shift = words => (words + 1).remainder(Gpt.Letters);
set_num_threads(1); // Tensors as small as these gain nothing from more.
manual_seed(1);
using var exam = randint(Gpt.Letters, [500, Gpt.Length]); // Words to answer, not to learn from.
using var gpt = new Gpt();
Console.WriteLine("right on unseen words     copy   reverse     shift");
Train(gpt.parameters(), copy);
Report("base");
var before = Bytes();

foreach (var (name, rule) in new[] { ("reverse", reverse), ("shift", shift) })
{
    using var adapter = gpt.CreateAdapter(); // Freezes the base. B is zero, so that nothing changes yet.
    gpt.ActiveAdapter = adapter;
    Train(adapter.parameters(), rule);
    adapter.Save($"custommodel-run/{name}");
    gpt.ActiveAdapter = null; // The base again.
}

using var reversing = Gpt.Adapter.Load("custommodel-run/reverse", gpt);
using var shifting = Gpt.Adapter.Load("custommodel-run/shift", gpt);
gpt.ActiveAdapter = reversing; // Swapping adapters is this assignment; no weight moves.
Report("base + reverse");
gpt.ActiveAdapter = shifting;
Report("base + shift");
gpt.Merge(shifting); // W = W0 + (alpha / r) B A: now it costs what the base costs.
Report("shift merged");
gpt.Unmerge();
Report("base unmerged");
Console.WriteLine($"The base is bit for bit what it was: {Bytes().SequenceEqual(before)}.");

void Train(IEnumerable<Parameter> parameters, Func<Tensor, Tensor> rule)
{
    using var optimizer = optim.AdamW(parameters, lr: 3e-3);
    for (var step = 0; step < 300; step++)
    {
        using var scope = NewDisposeScope();
        var words = randint(Gpt.Letters, [32, Gpt.Length]);
        optimizer.zero_grad();
        functional.cross_entropy(Logits(words, rule(words)).flatten(0, 1), rule(words).flatten()).backward();
        optimizer.step();
    }
}

void Report(string model)
{
    using var scope = NewDisposeScope();
    using var inference = no_grad();
    Console.WriteLine($"{model,-20}{Right(copy(exam)),10:P1}{Right(reverse(exam)),10:P1}{Right(shift(exam)),10:P1}");
    float Right(Tensor answers) => Logits(exam, answers).argmax(-1).eq(answers).all(1).to(float32).mean().item<float>();
}

// The model reads the word and, before each letter of the answer, those that came before it: [words, length, letters].
Tensor Logits(Tensor words, Tensor answers) => gpt.call(cat([words, answers[.., ..^1]], dim: 1))[.., (Gpt.Length - 1)..];
byte[] Bytes() => [.. gpt.state_dict().Values.SelectMany(tensor => tensor.bytes.ToArray())];

[LoraModel]
public sealed partial class Gpt : Module<Tensor, Tensor>
{
    public const int Letters = 26, Length = 6, Width = 64;
    private readonly Embedding wte = Embedding(Letters, Width), wpe = Embedding(2 * Length, Width);
    private readonly ModuleList<Block> h = ModuleList(new Block(), new Block());
    private readonly LayerNorm ln_f = LayerNorm(Width);
    private readonly Linear lm_head = Linear(Width, Letters);

    public Gpt() : base(nameof(Gpt)) => RegisterComponents();

    public override Tensor forward(Tensor ids)
        => lm_head.call(ln_f.call(h.Aggregate(wte.call(ids) + wpe.call(arange(ids.shape[1])), (x, block) => block.call(x))));
}

[LoraModel]
public sealed partial class Block : Module<Tensor, Tensor>
{
    private const int Width = Gpt.Width, Heads = 4;
    private readonly LayerNorm ln_1 = LayerNorm(Width), ln_2 = LayerNorm(Width);
    [LoraTarget(Rank = 8, Alpha = 32)] private readonly Linear q_proj = Linear(Width, Width), k_proj = Linear(Width, Width);
    [LoraTarget(Rank = 8, Alpha = 32)] private readonly Linear v_proj = Linear(Width, Width), o_proj = Linear(Width, Width);
    [LoraTarget(Rank = 8, Alpha = 32)] private readonly Linear up = Linear(Width, 4 * Width), down = Linear(4 * Width, Width);

    public Block() : base(nameof(Block)) => RegisterComponents();

    // QProj, KProj ... are generated: what the field computes and, while an adapter is active, its update.
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var y = ln_1.call(x);
        y = functional.scaled_dot_product_attention(Split(QProj(y)), Split(KProj(y)), Split(VProj(y)), is_casual: true);
        x = x + OProj(y.transpose(1, 2).flatten(2));
        return (x + Down(functional.gelu(Up(ln_2.call(x))))).MoveToOuterDisposeScope();
        static Tensor Split(Tensor y) => y.unflatten(2, Heads, Width / Heads).transpose(1, 2); // [batch, heads, time, head width]
    }
}
