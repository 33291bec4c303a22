using LoraGen.Tests.Models;

namespace LoraGen.Tests.Variants;

/// <summary>The attribute asks for DoRA, a config overrides it, and one adapter is of one kind.</summary>
public sealed class DoraSelectionTests : IDisposable
{
    private readonly HalfDora _model = new();

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Attributes_that_differ_are_refused()
        => Assert.StartsWith(
            "Some of the projections' attributes say UseDora and others do not", Assert.Throws<LoraException>(() => _model.CreateAdapter()).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_config_decides_for_all(bool useDora)
    {
        using var adapter = _model.CreateAdapter(new LoraConfig { UseDora = useDora });
        Assert.All(adapter.Updates, update => Assert.Equal(useDora, update.Magnitude is not null));
    }

    [Theory]
    [InlineData("up", true)]
    [InlineData("down", false)]
    public void Without_a_config_the_attribute_does(string target, bool useDora)
    {
        using var adapter = _model.CreateAdapter(new LoraConfig { TargetModules = [target] });
        Assert.Equal(useDora, Assert.Single(adapter.Updates).Magnitude is not null);
    }
}
