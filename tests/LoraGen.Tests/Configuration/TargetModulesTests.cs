using LoraGen.Tests.Models;
using TorchSharp;

namespace LoraGen.Tests.Configuration;

/// <summary>Which of the annotated projections are adapted, by PEFT's rules of target_modules.</summary>
public sealed class TargetModulesTests : IDisposable
{
    private readonly Tower _model = new();

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData("up", 6)]
    [InlineData("entrance.up", 2)]
    [InlineData("floors.1.h.0.down", 1)]
    [InlineData("lm_head", 1)]
    public void A_name_is_a_path_or_what_follows_a_dot_in_it(string name, int count)
    {
        using var adapter = _model.CreateAdapter(new LoraConfig { TargetModules = [name] });
        Assert.Equal(count, adapter.Updates.Count);
        Assert.All(adapter.Updates, update => Assert.True(update.Path == name || update.Path.EndsWith("." + name, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(@"floors\.0\..*", 6)]
    [InlineData(@".*h\.[01]\.(up|down)", 8)]
    [InlineData("lm_head", 1)]
    [InlineData("lm_head|floors.1.entrance.up", 2)]
    public void A_pattern_is_matched_with_the_whole_path(string pattern, int count)
    {
        using var adapter = _model.CreateAdapter(new LoraConfig { TargetModulesPattern = pattern });
        Assert.Equal(count, adapter.Updates.Count);
    }

    [Fact]
    public void A_list_and_a_pattern_together_are_refused()
    {
        var error = Assert.Throws<LoraException>(() => _model.CreateAdapter(new LoraConfig { TargetModules = ["up"], TargetModulesPattern = ".*" }));
        Assert.Contains("expected TargetModules or TargetModulesPattern, found both", error.Message);
    }

    [Fact]
    public void A_projection_that_is_left_out_has_no_A_and_no_B()
    {
        using var adapter = _model.CreateAdapter(new LoraConfig { TargetModules = ["up"] });
        var left = adapter.floors[0].entrance.down;
        Assert.False(left.IsTargeted);
        Assert.Contains("floors.0.entrance.down", Assert.Throws<LoraException>(() => left.A).Message, StringComparison.Ordinal);
        Assert.Contains("floors.0.entrance.down", Assert.Throws<LoraException>(() => left.B).Message, StringComparison.Ordinal);
        Assert.Empty(left.parameters());
        Assert.DoesNotContain(adapter.state_dict().Keys, key => key.Contains("down", StringComparison.Ordinal));
    }

    [Fact]
    public void A_projection_that_is_left_out_computes_what_the_base_computes()
    {
        using var adapter = _model.CreateAdapter(new LoraConfig { TargetModules = ["floors.1.h.1.up"] }).Trained();
        using var x = Base.Input(3, Tower.Width);
        using var expected = _model.FloorAt(0).call(x);
        _model.ActiveAdapter = adapter;
        using var found = _model.FloorAt(0).call(x);
        Assert.Equal(Base.Bytes(expected), Base.Bytes(found));
    }

    [Fact]
    public void A_name_that_matches_nothing_is_refused_with_the_annotated_paths()
    {
        var message = Refuse(new LoraConfig { TargetModules = ["up", "q_porj"] });
        Assert.Contains("q_porj", message, StringComparison.Ordinal);
        Assert.DoesNotContain("TargetModules 'up'", message, StringComparison.Ordinal);
        Assert.Contains("floors.0.entrance.up", message, StringComparison.Ordinal);
        Assert.Contains("lm_head", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mix")]
    [InlineData("p")]
    [InlineData("Up")]
    [InlineData("floors.0")]
    public void A_module_that_is_not_annotated_is_as_unknown_as_a_part_of_a_name(string name)
        => Assert.Contains($"'{name}'", Refuse(new LoraConfig { TargetModules = [name] }), StringComparison.Ordinal);

    [Fact]
    public void A_rank_or_alpha_pattern_that_matches_nothing_is_refused()
    {
        Assert.Contains("RankPattern 'q_porj'", Refuse(new LoraConfig { RankPattern = new Dictionary<string, int> { ["q_porj"] = 1 } }), StringComparison.Ordinal);
        Assert.Contains("AlphaPattern 'q_porj'", Refuse(new LoraConfig { AlphaPattern = new Dictionary<string, double> { ["q_porj"] = 1 } }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_pattern_that_is_no_regular_expression_is_refused()
    {
        Assert.Contains("TargetModulesPattern", Refuse(new LoraConfig { TargetModulesPattern = "(up" }), StringComparison.Ordinal);
        Assert.Contains("RankPattern", Refuse(new LoraConfig { RankPattern = new Dictionary<string, int> { ["[up"] = 1 } }), StringComparison.Ordinal);
    }

    // Such a pattern may come with a file that someone else made.
    [Fact]
    public void A_pattern_that_takes_for_ever_is_refused()
    {
        const string hostile = @"(((\w|\.)+)+)+!";
        Assert.Contains("TargetModulesPattern", Refuse(new LoraConfig { TargetModulesPattern = hostile }), StringComparison.Ordinal);
    }

    private string Refuse(LoraConfig config)
    {
        var refusal = Assert.Throws<LoraException>(() => _model.CreateAdapter(config));
        Assert.All(_model.parameters(), parameter => Assert.True(parameter.requires_grad, "a refused config must leave the base as it was"));
        return refusal.Message;
    }
}
