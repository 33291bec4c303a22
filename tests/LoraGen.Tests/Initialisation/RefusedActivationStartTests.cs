using LoraGen.Tests.Models;
using static TorchSharp.torch;

namespace LoraGen.Tests.Initialisation;

/// <summary>What cannot begin with activations, and batches that do not tell enough of them.</summary>
public sealed class RefusedActivationStartTests : IDisposable
{
    private const int Width = 12;

    private readonly IDisposable _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void CreateAdapter_has_no_activations_to_begin_with_and_says_what_has()
    {
        using var model = new Pair(Width);
        const string expected = "Init: expected a value that needs no activations, or a call of CreateAdapterFromActivations instead, which takes them, found Eva";
        Assert.Contains("left: " + expected, Assert.Throws<LoraException>(() => model.CreateAdapter()).Message, StringComparison.Ordinal);
        using var other = new OneTarget(Width, 5);
        Assert.Contains("proj: " + expected, Assert.Throws<LoraException>(() => other.CreateAdapter(new LoraConfig { Init = LoraInit.Eva })).Message, StringComparison.Ordinal);
        model.CreateAdapter(new LoraConfig { Init = LoraInit.Kaiming }).Dispose();
    }

    [Fact]
    public void What_has_no_such_start_is_refused_before_the_first_batch()
    {
        using var embedding = new OneEmbedding(6, 4);
        Assert.StartsWith("proj: expected a projection of vectors as a whole, which LoraInit.Eva is for, found Embedding.", Refusal(embedding), StringComparison.Ordinal);
        using var fused = new OneFused(Width, 6);
        Assert.StartsWith("proj: expected a projection of vectors as a whole, which LoraInit.Eva is for, found slices.", Refusal(fused), StringComparison.Ordinal);
        using var target = new OneTarget(Width, 5);
        Assert.StartsWith("proj: rank: expected at most 12, the length of the inputs, found 13.", Refusal(target, new LoraConfig { Rank = 13 }), StringComparison.Ordinal);
        Assert.StartsWith("LoraConfig: Init: expected nothing or Eva for CreateAdapterFromActivations, found Pissa.", Refusal(target, new LoraConfig { Init = LoraInit.Pissa }), StringComparison.Ordinal);
        Assert.Contains("PissaIterations: expected a number of at least 0, beside LoraInit.Pissa, found 4 without it", Refusal(target, new LoraConfig { PissaIterations = 4 }), StringComparison.Ordinal);
        Assert.StartsWith("EvaOptions: Rho: expected a number of at least 1, found 0.5.", Refusal(target, options: new EvaOptions { Rho = 0.5 }), StringComparison.Ordinal);
        Assert.StartsWith("EvaOptions: Tau: expected a number above 0 and at most 1, found 1.5.", Refusal(target, options: new EvaOptions { Tau = 1.5 }), StringComparison.Ordinal);
        using var adapter = target.CreateAdapter();
        target.ActiveAdapter = adapter;
        Assert.Contains("expected the base alone, found an active adapter", Refusal(target), StringComparison.Ordinal);
    }

    [Fact]
    public void Batches_that_say_too_little_are_refused()
    {
        using var model = new Pair(Width);
        Assert.StartsWith("left: expected a call with vectors that count, found none in these batches.", Refusal([], x => model.call(x, x)), StringComparison.Ordinal);
        Assert.StartsWith("left: expected a call with vectors that count, found none in these batches.", Refusal([Base.Input(9, Width)], _ => { }), StringComparison.Ordinal);
        Assert.StartsWith("left: expected inputs that vary, found 9 vectors that are all the same", Refusal([ones(9, Width)], x => model.call(x, x)), StringComparison.Ordinal);
        Assert.StartsWith("CreateAdapterFromActivations: expected vectors for 4 directions, the ranks of all projections together, found 2.", Refusal([Base.Input(1, Width)], x => model.call(x, x)), StringComparison.Ordinal);
        Assert.StartsWith("left: expected finite activations, found NaN or infinity.", Refusal([Base.Input(9, Width) / 0], x => model.call(x, x)), StringComparison.Ordinal);
        Assert.StartsWith("left: mask: expected a Bool [9], as the projection's input is [9, 12], found Bool [9, 1].", Refusal([Base.Input(9, Width)], x => model.call(x, x), x => ones(9, 1, dtype: ScalarType.Bool)), StringComparison.Ordinal);

        string Refusal(List<Tensor> batches, Action<Tensor> forward, Func<Tensor, Tensor>? mask = null)
            => Assert.Throws<LoraException>(() => model.CreateAdapterFromActivations(batches, forward, mask: mask, cancellation: TestContext.Current.CancellationToken)).Message;
    }

    private static string Refusal<TAdapter>(ILoraModel<TAdapter> model, LoraConfig? config = null, EvaOptions? options = null)
        where TAdapter : LoraAdapter
        => Assert.Throws<LoraException>(() => model.CreateAdapterFromActivations(
            [0], _ => Assert.Fail("The model was called."), config, options, cancellation: TestContext.Current.CancellationToken)).Message;
}
