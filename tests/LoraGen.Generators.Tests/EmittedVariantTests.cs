using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests;

/// <summary>A variant changes an argument of what is constructed, and nothing else that is emitted but the tooltips.</summary>
public sealed class EmittedVariantTests
{
    private const string Plain = "q = builder.Linear(\"q\", model.q, rank: 8, alpha: 8d, dropout: 0d);";

    [Theory]
    [InlineData("Rank = 4", "rank: 4, alpha: 8d, dropout: 0d")]
    [InlineData("Alpha = 16, Dropout = 0.1", "rank: 8, alpha: 16d, dropout: 0.1d")]
    [InlineData("ByDefault = false, OutputHead = true", "rank: 8, alpha: 8d, dropout: 0d, byDefault: false, outputHead: true")]
    [InlineData("UseDora = true", "rank: 8, alpha: 8d, dropout: 0d, useDora: true")]
    [InlineData("Init = LoraInit.Gaussian", "rank: 8, alpha: 8d, dropout: 0d, init: global::LoraGen.LoraInit.Gaussian")]
    [InlineData("Init = LoraInit.Random", "rank: 8, alpha: 8d, dropout: 0d, init: global::LoraGen.LoraInit.Random")]
    [InlineData("Init = LoraInit.Orthogonal", "rank: 8, alpha: 8d, dropout: 0d, init: global::LoraGen.LoraInit.Orthogonal")]
    [InlineData("Init = LoraInit.Pissa", "rank: 8, alpha: 8d, dropout: 0d, init: global::LoraGen.LoraInit.Pissa")]
    [InlineData("Init = LoraInit.Olora, UseDora = true", "rank: 8, alpha: 8d, dropout: 0d, useDora: true, init: global::LoraGen.LoraInit.Olora")]
    [InlineData("Slices = 3, Trained = [0, 2]", "rank: 8, alpha: 8d, dropout: 0d, slices: new global::LoraGen.FusedSlices(3, 0, 2)")]
    public void Of_a_target_the_arguments_of_its_update(string options, string arguments)
        => Assert.Equal([(Plain, $"q = builder.Linear(\"q\", model.q, {arguments});")], Differences("LoraModel", options));

    [Theory]
    [InlineData("[\"q\"]", ", \"q\"")]
    [InlineData("new[] { \"q\", \"a\\\"b\" }", ", \"q\", \"a\\\"b\"")]
    [InlineData("[]", "")]
    public void Of_a_model_the_config_of_a_new_adapter(string names, string arguments)
        => Assert.Equal(
            [("=> _lora.Create(this, config, generator);", $"=> _lora.Create(this, global::LoraGen.LoraConfig.SavingByDefault(config{arguments}), generator);")],
            Differences($"LoraModel(ModulesToSave = {names})", ""));

    [Fact]
    public void Without_a_list_nothing() => Assert.Empty(Differences("LoraModel(ModulesToSave = null)", ""));

    private static List<(string Plain, string Variant)> Differences(string model, string options)
    {
        var (plain, variant) = (Code("LoraModel", ""), Code(model, options));
        Assert.Equal(plain.Count, variant.Count);
        return [.. plain.Zip(variant).Where(lines => lines.First != lines.Second)];
    }

    // Without tooltips, which say what the attribute does.
    private static List<string> Code(string model, string options)
    {
        var run = GeneratorRun.Of($$"""
            [{{model}}]
            public sealed partial class Model : Module<Tensor, Tensor>
            {
                [LoraTarget({{options}})] private readonly Linear q = Linear(9, 9);
                [LoraTarget] private readonly Linear v = Linear(9, 9);
                public Model() : base("Model") => RegisterComponents();
                public override Tensor forward(Tensor x) => Q(x) + V(x);
            }
            """);
        Assert.Empty(run.Complaints);
        return [.. run.Files["Model.g.cs"].Split('\n').Select(line => line.Trim()).Where(line => !line.StartsWith("///", StringComparison.Ordinal))];
    }
}
