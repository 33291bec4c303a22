using System.Reflection;
using LoraGen.Shapes.Tests.Running;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Shapes.Tests.Combinations;

/// <summary>
/// Each combination of kind, start, rank, DoRA, slices and dropout is reported while it is typed, or it runs: nothing that the attribute says is
/// refused first when an adapter is made.
/// </summary>
public sealed class CombinationTests
{
    private const double Tolerance = 1e-4;

    private static readonly MethodInfo RunOf = typeof(CombinationTests).GetMethod(nameof(Run), BindingFlags.Static | BindingFlags.NonPublic)!;

    public static TheoryData<string, LoraInit> Groups => new(
        from kind in Combination.Kinds
        from init in Enum.GetValues<LoraInit>()
        select (kind, init));

    [Theory]
    [MemberData(nameof(Groups))]
    public void It_is_reported_or_it_runs(string kind, LoraInit init)
    {
        foreach (var combination in Combination.All.Where(item => item.Kind == kind && item.Init == init))
        {
            var rules = CompiledCombinations.RulesThatReport(combination).Order(StringComparer.Ordinal).ToList();
            Assert.True(rules.SequenceEqual(combination.Rules.Order(StringComparer.Ordinal)), $"{combination}: expected [{string.Join(", ", combination.Rules)}], reported [{string.Join(", ", rules)}]");
            if (rules.All(rule => rule == "LORA024"))
            {
                var model = CompiledCombinations.TypeOf(combination);
                RunOf.MakeGenericMethod(model, model.GetNestedType("Adapter")!).Invoke(null, BindingFlags.DoNotWrapExceptions, null, [combination], null);
            }
        }
    }

    private static void Run<TModel, TAdapter>(Combination combination)
        where TModel : Module<Tensor, Tensor>, ILoraModel<TAdapter>, new()
        where TAdapter : LoraAdapter
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3, CPU);
        using var folder = new ScratchFolder();
        using var model = new TModel();
        using var x = combination.Kind switch
        {
            "Embedding" => arange(Combination.In, ScalarType.Int64),
            "Conv2d" => randn(2, Combination.In, 4, 4, generator: generator),
            _ => randn(4, Combination.In, generator: generator),
        };
        var (bytes, output) = (Bytes(model), model.call(x));
        using var adapter = combination.Init == LoraInit.Eva
            ? model.CreateAdapterFromActivations([x], batch => model.call(batch), options: new EvaOptions { Rho = 1 }, generator: generator).Adapter
            : model.CreateAdapter(config: null, generator);
        model.ActiveAdapter = adapter;

        model.call(x).square().sum().backward();
        Assert.All(adapter.named_parameters(), item => Assert.True(item.parameter.grad is not null, $"{combination}: {item.name} has no gradient"));

        model.eval();
        if (combination.Init != LoraInit.Random)
        {
            AssertEqual("a new adapter", output, model.call(x));
        }

        Move(adapter, generator);
        var adapted = model.call(x);
        Assert.False(adapted.allclose(output, Tolerance, Tolerance), $"{combination}: a trained adapter changes nothing");

        model.Merge(adapter);
        AssertEqual("merged", adapted, model.call(x));
        model.Unmerge();
        Assert.Equal(bytes, Bytes(model));

        adapter.Save(folder.Path);
        using var loaded = (TAdapter)typeof(TAdapter).GetMethod("Load", [typeof(string), typeof(TModel)])!.Invoke(null, [folder.Path, model])!;
        model.ActiveAdapter = loaded;
        AssertEqual("loaded", adapted, model.call(x));

        void AssertEqual(string what, Tensor expected, Tensor found) => Assert.True(
            found.allclose(expected, Tolerance, Tolerance), $"{combination}: {what}: off by {(found - expected).abs().max().item<float>()}");
    }

    // As if it had been trained: what it began with stays in it.
    private static void Move(LoraAdapter adapter, Generator generator)
    {
        using var inference = no_grad();
        foreach (var parameter in adapter.parameters())
        {
            parameter.add_(empty_like(parameter).normal_(0, 0.3, generator));
        }
    }

    private static Dictionary<string, byte[]> Bytes(nn.Module module) => module.state_dict().ToDictionary(item => item.Key, item => item.Value.detach().contiguous().bytes.ToArray());
}
