using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests;

/// <summary>A variant changes the update that is constructed, by an argument or a type, and not the size of the file.</summary>
public sealed class VariantSizeTests
{
    [Theory]
    [InlineData("Linear", "UseDora = true")]
    [InlineData("Linear", "Init = LoraInit.Pissa")]
    [InlineData("Linear", "Slices = 3, Trained = [0, 2]")]
    [InlineData("Linear", "ByDefault = false, OutputHead = true")]
    [InlineData("Conv1D", "Rank = 4")]
    [InlineData("Embedding", "Rank = 4")]
    public void It_adds_no_line(string type, string options) => Assert.Equal(Lines("Linear", "Rank = 4"), Lines(type, options));

    private static int Lines(string type, string options) => Assert.Single(GeneratorRun.Of($$"""
        [LoraModel]
        public sealed partial class Mlp(Linear other, {{type}} up) : Module<Tensor, Tensor>("Mlp")
        {
            [LoraTarget] private readonly Linear other = other;
            [LoraTarget({{options}})] private readonly {{type}} up = up;
            public override Tensor forward(Tensor x) => Other(Up(x));
        }
        """).Files).Value.Split('\n').Length;
}
