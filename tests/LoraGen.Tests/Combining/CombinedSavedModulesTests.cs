using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.ModulesToSave;
using LoraGen.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Tests.Combining;

/// <summary>Of heads there is no sum: the only one is taken, or the chosen one, or none.</summary>
public sealed class CombinedSavedModulesTests : IDisposable
{
    private static readonly CombineOptions Cat = new() { Method = CombineMethod.Cat };

    private readonly Classified _model = new();
    private readonly Classified.Adapter _first;
    private readonly Classified.Adapter _second;
    private readonly Classified.Adapter _plain;

    public CombinedSavedModulesTests()
    {
        _first = _model.CreateAdapter(SavedBase.Config).Filled(seed: 1);
        _second = _model.CreateAdapter(SavedBase.Config).Filled(seed: 2);
        _plain = _model.CreateAdapter().Filled(seed: 3);
    }

    // Whatever its weight, and wherever it is among the adapters.
    [Fact]
    public void The_only_one_is_taken_as_it_is()
    {
        using var adapter = _model.Combine(Cat, (_plain, 0.5), (_first, -2)).Adapter;
        AssertOwns(_first, adapter);
        Assert.InRange(Deltas.Distance(Deltas.Sum((0.5, Deltas.Of(_plain.dense)), (-2, Deltas.Of(_first.dense))), Deltas.Of(adapter.dense)), 0, 1e-6);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Of_several_the_chosen_one_is_taken(int number)
    {
        using var adapter = _model.Combine(Cat with { SavedModulesOf = number }, (_first, 1), (_second, 1)).Adapter;
        AssertOwns(number == 0 ? _first : _second, adapter);
    }

    [Fact]
    public void An_adapter_without_any_can_be_chosen()
    {
        using var adapter = _model.Combine(Cat with { SavedModulesOf = 2 }, (_first, 1), (_second, 1), (_plain, 1)).Adapter;
        Assert.Empty(adapter.SavedProjections);
    }

    [Fact]
    public void One_adapter_given_twice_is_one()
    {
        using var adapter = _model.Combine(Cat, (_first, 1), (_first, 1)).Adapter;
        AssertOwns(_first, adapter);
    }

    [Fact]
    public void Compressing_keeps_them()
    {
        using var adapter = _model.Compress(_first, RankChoice.AtMost(1)).Adapter;
        AssertOwns(_first, adapter);
        Assert.Equal(1, adapter.dense.Scale.Rank);
    }

    [Fact]
    public void They_come_back_from_PEFTs_files_and_are_merged_and_unmerged()
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        using var adapter = _model.Combine(Cat, (_plain, 1), (_first, 1)).Adapter;
        adapter.Save(folder.Path);
        using var loaded = Classified.Adapter.Load(folder.Path, _model);
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(loaded));
        _model.ActiveAdapter = adapter;
        var expected = Values.Flat(_model.call(SavedBase.Ids()));
        _model.ActiveAdapter = null;

        var before = Base.Bytes(_model);
        _model.Merge((_plain, 1), (_first, 1));
        using var merged = _model.MergedAdapter;
        Assert.All(expected.Zip(Values.Flat(_model.call(SavedBase.Ids()))), pair => Assert.Equal(pair.First, pair.Second, 1e-4 * (1 + Math.Abs(pair.First))));
        _model.Unmerge();
        Assert.Equal(before, Base.Bytes(_model));
    }

    [Fact]
    public void Several_without_a_choice()
    {
        Refused(() => _model.Combine(Cat, (_first, 1), (_second, 1)), "found 2", "classifier.out_proj", "SavedModulesOf");
        var before = Base.Bytes(_model);
        Refused(() => _model.Merge((_first, 1), (_second, 1)), "found 2", "classifier.out_proj");
        Assert.Equal(before, Base.Bytes(_model));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(2)]
    public void A_choice_of_no_adapter(int number)
        => Refused(() => _model.Combine(Cat with { SavedModulesOf = number }, (_first, 1), (_second, 1)), "from 0 to 1", $"found {number}");

    [Fact]
    public void A_projection_that_one_owns_and_another_adapts()
    {
        using var adapting = _model.CreateAdapter(new LoraConfig { TargetModules = ["out_proj"] });
        Refused(() => _model.Combine(Cat, (_first, 1), (adapting, 1)), "classifier.out_proj: expected a projection that is saved whole or adapted");
        using var adapter = _model.Combine(Cat with { SavedModulesOf = 1 }, (_first, 1), (adapting, 1)).Adapter;
        Assert.Empty(adapter.SavedProjections);
        Assert.True(adapter.classifier.out_proj.IsTargeted);
    }

    private static void AssertOwns(Classified.Adapter expected, Classified.Adapter found)
    {
        Assert.Equal(SavedBase.Saved, found.SavedProjections.SelectMany(own => own.named_parameters().Select(item => $"{own.Path}.{item.name}")).Order(StringComparer.Ordinal));
        Assert.All(SavedBase.Saved, key => Assert.Equal(Values.Flat(expected.get_parameter(key)!), Values.Flat(found.get_parameter(key)!)));
        Assert.All(found.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    private static void Refused(Action action, params string[] named)
    {
        var refusal = Assert.Throws<LoraException>(action);
        Assert.All(named, part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
    }

    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
        _plain.Dispose();
        _model.Dispose();
    }
}
