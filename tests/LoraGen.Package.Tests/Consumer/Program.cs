using LoraGen;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Consumer;

/// <summary>The adapted class of a stranger's project.</summary>
[LoraModel]
public sealed partial class Net : Module<Tensor, Tensor>
{
    [LoraTarget(Rank = 2, Alpha = 6)] private readonly Linear proj;

    /// <summary>A projection of width 8 to width 4.</summary>
    public Net()
        : base(nameof(Net))
    {
        proj = Linear(8, 4);
        RegisterComponents();
    }

    /// <summary>The weight [4, 8] and bias [4] of the projection.</summary>
    public (float[,] Weight, float[] Bias) Base
    {
        get
        {
            using var scope = NewDisposeScope();
            return ((float[,])proj.weight.detach().clone().data<float>().ToNDArray(), [.. proj.bias!.detach().clone().data<float>()]);
        }
    }

#if BYPASS
    /// <summary>Passes the adapter by.</summary>
    public override Tensor forward(Tensor x) => proj.call(x);
#else
    /// <summary>x [batch, 8] to [batch, 4].</summary>
    public override Tensor forward(Tensor x) => Proj(x);
#endif
}

internal static class Program
{
    private static void Main()
    {
        random.manual_seed(1);
        using var model = new Net();
        using var adapter = model.CreateAdapter();
        model.ActiveAdapter = adapter;
        using var x = randn(16, 8);
        using var target = randn(16, 4);

        var losses = Train(model, adapter, x, target);
        Console.WriteLine($"Ten steps lowered the loss: {losses[^1] < losses[0]}");
        Console.WriteLine($"The output is W0 x + b + (alpha / r) B A x: {Largest(model, adapter, x) < 1e-5}");

        adapter.Save("adapters/mine");
        using var before = Output(model, x);
        model.ActiveAdapter = null;
        using var untouched = Output(model, x);
        using var loaded = Net.Adapter.Load("adapters/mine", model);
        model.ActiveAdapter = loaded;
        using var after = Output(model, x);
        Console.WriteLine($"Loaded as it was saved: {before.Equals(after)}, unlike the base: {!before.Equals(untouched)}");
        Console.WriteLine(string.Join(", ", Directory.GetFiles("adapters/mine").Select(Path.GetFileName).Order(StringComparer.Ordinal)));
    }

    private static List<float> Train(Net model, Net.Adapter adapter, Tensor x, Tensor target)
    {
        using var optimizer = optim.AdamW(adapter.parameters(), lr: 0.05);
        var losses = new List<float>();
        for (var step = 0; step < 10; step++)
        {
            using var scope = NewDisposeScope();
            var loss = functional.mse_loss(model.call(x), target);
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
            losses.Add(loss.item<float>());
        }

        return losses;
    }

    private static Tensor Output(Net model, Tensor x)
    {
        using var inference = no_grad();
        return model.call(x);
    }

    // The formula as loops, in double precision: the largest difference to what the model says.
    private static double Largest(Net model, Net.Adapter adapter, Tensor x)
    {
        var (weight, bias) = model.Base;
        var (a, b) = (Values(adapter.proj.A), Values(adapter.proj.B));
        using var output = Output(model, x);
        var (inputs, outputs) = (Values(x), Values(output));
        var largest = 0.0;
        for (var row = 0; row < inputs.GetLength(0); row++)
        {
            for (var o = 0; o < bias.Length; o++)
            {
                double expected = bias[o];
                for (var i = 0; i < 8; i++)
                {
                    double w = weight[o, i];
                    for (var r = 0; r < 2; r++)
                    {
                        w += 6.0 / 2 * b[o, r] * a[r, i];
                    }

                    expected += w * inputs[row, i];
                }

                largest = Math.Max(largest, Math.Abs(expected - outputs[row, o]));
            }
        }

        return largest;
    }

    private static float[,] Values(Tensor matrix)
    {
        using var copy = matrix.detach().clone();
        return (float[,])copy.data<float>().ToNDArray();
    }
}
