using LoraGen.Tests.Models;
using TorchSharp;

namespace LoraGen.Tests.Configuration;

/// <summary>What a LoraConfig says goes before what the attributes say; what it leaves out does not.</summary>
public sealed class OverrideTests : IDisposable
{
    private readonly Tower _model = new();

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Without_one_the_attributes_decide()
    {
        using var adapter = _model.CreateAdapter();
        Assert.Equal(new LoraScale(3, 6, false), adapter.floors[0].entrance.up.Scale);
        Assert.Equal(new LoraScale(2, 5, false), adapter.floors[0].entrance.down.Scale);
        Assert.Equal(new LoraScale(2, 8, false), adapter._head.Scale);
        Assert.Equal(4, adapter._head.Scale.Factor);
        Assert.All(adapter.Updates, update => Assert.Equal(0, update.Dropout));
    }

    [Fact]
    public void Rank_for_all()
    {
        using var adapter = _model.CreateAdapter(new LoraConfig { Rank = 4 });
        Assert.All(adapter.Updates, update => Assert.Equal((4, 4L, 4L), (update.Scale.Rank, update.A.shape[0], update.B.shape[1])));
        Assert.Equal(5, adapter.floors[0].entrance.down.Scale.Alpha);
    }

    [Fact]
    public void Alpha_for_all()
    {
        using var adapter = _model.CreateAdapter(new LoraConfig { Alpha = 32 });
        Assert.All(adapter.Updates, update => Assert.Equal(32, update.Scale.Alpha));
        Assert.Equal(32 / 3.0, adapter.floors[0].entrance.up.Scale.Factor);
    }

    [Fact]
    public void Dropout_for_all()
    {
        using var adapter = _model.CreateAdapter(new LoraConfig { Dropout = 0.25 });
        Assert.All(adapter.Updates, update => Assert.Equal(0.25, update.Dropout));
    }

    [Fact]
    public void A_rank_pattern_before_the_rank_by_path_or_its_end_or_a_regular_expression_the_first_first()
    {
        using var adapter = _model.CreateAdapter(new LoraConfig
        {
            Rank = 2,
            RankPattern = new Dictionary<string, int> { ["h.1.up"] = 5, [@"floors\.0\..*\.up"] = 6, ["^lm_head"] = 7, ["up"] = 1 },
        });
        Assert.Equal(5, adapter.floors[0]._rooms[1].up.Scale.Rank);
        Assert.Equal(6, adapter.floors[0]._rooms[0].up.Scale.Rank);
        Assert.Equal(7, adapter._head.Scale.Rank);
        Assert.Equal(1, adapter.floors[1].entrance.up.Scale.Rank);
        Assert.Equal(2, adapter.floors[1].entrance.down.Scale.Rank);
    }

    [Fact]
    public void What_the_caller_does_with_his_collections_later_changes_nothing()
    {
        List<string> targets = ["up"];
        Dictionary<string, int> ranks = new() { ["up"] = 4 };
        Dictionary<string, double> alphas = new() { ["up"] = 3 };
        using var adapter = _model.CreateAdapter(new LoraConfig { TargetModules = targets, RankPattern = ranks, AlphaPattern = alphas });
        targets.Clear();
        ranks.Clear();
        alphas.Clear();
        Assert.Equal("up", Assert.Single(adapter.Config.TargetModules!));
        Assert.Equal(("up", 4), (Assert.Single(adapter.Config.RankPattern).Key, adapter.Config.RankPattern["up"]));
        Assert.Equal(("up", 3.0), (Assert.Single(adapter.Config.AlphaPattern).Key, adapter.Config.AlphaPattern["up"]));
    }
}
