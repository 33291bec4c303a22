using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Configuration;

/// <summary>An adapter that is refused half way leaves nothing: no tensor, and no step of the random generator.</summary>
public sealed class RefusedConfigTests : IDisposable
{
    private readonly Tower _model = new();

    public void Dispose() => _model.Dispose();

    // The last projection's numbers, and an entry that matches nothing, which is known only when all were looked at.
    public static TheoryData<LoraConfig> Refused => new(
        new LoraConfig { RankPattern = new Dictionary<string, int> { ["floors.1.h.1.down"] = 0 } },
        new LoraConfig { AlphaPattern = new Dictionary<string, double> { ["floors.1.h.1.down"] = -1 } },
        new LoraConfig { TargetModules = ["up", "q_porj"] });

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_new_adapter(LoraConfig config)
    {
        manual_seed(3);
        using var expected = rand(4);
        manual_seed(3);
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Assert.Throws<LoraException>(() => _model.CreateAdapter(config));
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        using var found = rand(4);
        Assert.Equal(Base.Bytes(expected), Base.Bytes(found));
    }

    [Theory]
    [InlineData("rank_pattern", "floors.1.h.1.down", 3)]
    [InlineData("alpha_pattern", "down", -1)]
    public void An_adapter_of_files(string option, string key, int value)
    {
        using var saved = new SavedTower();
        saved.EditConfig(config => config[option]![key] = value);
        saved.AssertRefused();
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Assert.Throws<LoraException>(() => Tower.Adapter.Load(saved.Folder, saved.Model));
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }
}
