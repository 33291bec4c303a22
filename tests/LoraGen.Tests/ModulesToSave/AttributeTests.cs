using System.Text.Json.Nodes;
using LoraGen.Combining;
using LoraGen.Compression;
using LoraGen.Safetensors;
using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using static TorchSharp.torch;

namespace LoraGen.Tests.ModulesToSave;

/// <summary>What [LoraModel(ModulesToSave = …)] says of new adapters, and where it is not asked.</summary>
public sealed class AttributeTests
{
    public static TheoryData<LoraConfig?, string> Configs => new()
    {
        { null, "classifier" },
        { new LoraConfig(), "classifier" },
        { new LoraConfig { Rank = 1, TaskType = "CAUSAL_LM" }, "classifier" },

        // The task's own list would have score as well.
        { new LoraConfig { TaskType = "SEQ_CLS" }, "classifier" },
        { new LoraConfig { ModulesToSave = ["score"] }, "score" },
        { new LoraConfig { ModulesToSave = [] }, "" },
    };

    [Theory]
    [MemberData(nameof(Configs))]
    public void A_config_overrides_what_the_attribute_says(LoraConfig? config, string saved)
    {
        using var model = new Tagged();
        using var adapter = model.CreateAdapter(config);
        Assert.Equal(saved, Saved(adapter));
        Assert.Equal(["fc"], adapter.Updates.Select(update => update.Path));
        Assert.Equal(config?.Rank, adapter.Config.Rank);
    }

    [Fact]
    public void A_derived_class_says_it_anew_or_has_its_base_classes()
    {
        Assert.Equal("classifier", SavedOf(new TaggedAsBefore()));
        Assert.Equal("score", SavedOf(new TaggedOtherwise()));
        Assert.Equal("", SavedOf(new TaggedWithNothing()));

        static string SavedOf(Tagged model)
        {
            using (model)
            {
                using var adapter = model.CreateAdapter();
                return Saved(adapter);
            }
        }
    }

    [Fact]
    public void A_child_is_not_asked()
    {
        using var model = new AroundTagged();
        using var adapter = model.CreateAdapter();
        Assert.Equal("", Saved(adapter));
    }

    [Fact]
    public void The_files_are_PEFTs()
    {
        using var folder = new ScratchFolder();
        using var model = new Tagged();
        using var adapter = model.CreateAdapter().Filled();
        adapter.Save(folder.Path);

        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder.Path, "adapter_config.json")))!;
        Assert.Equal("""["classifier"]""", config["modules_to_save"]!.ToJsonString());
        Assert.Equal("""["fc"]""", config["target_modules"]!.ToJsonString());
        using (var file = SafetensorsFile.Open(Path.Combine(folder.Path, "adapter_model.safetensors")))
        {
            Assert.Equal(
                ["base_model.model.classifier.bias", "base_model.model.classifier.weight", "base_model.model.fc.lora_A.weight", "base_model.model.fc.lora_B.weight"],
                file.Entries.Keys.Order(StringComparer.Ordinal));
        }

        using var loaded = Tagged.Adapter.Load(folder.Path, model);
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(loaded));
    }

    [Fact]
    public void A_file_is_taken_as_it_is()
    {
        using var folder = new ScratchFolder();
        using var model = new Tagged();
        using var adapter = model.CreateAdapter(new LoraConfig { ModulesToSave = [] });
        adapter.Save(folder.Path);
        using var loaded = Tagged.Adapter.Load(folder.Path, model);
        Assert.Equal("", Saved(loaded));
    }

    [Fact]
    public void Merged_and_unmerged_it_is_what_it_was()
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        using var model = new Tagged();
        var (before, x) = (Base.Bytes(model), Base.Input(4, Tagged.Width));
        using var adapter = model.CreateAdapter().Filled();
        model.ActiveAdapter = adapter;
        var active = model.call(x);
        model.Merge(adapter);
        Assert.Equal(Base.Bytes(adapter.classifier.Weight), Base.Bytes(model.state_dict()["classifier.weight"]));
        Assert.True(active.allclose(model.call(x), rtol: 0, atol: 1e-5));
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
    }

    // They are made of updates alone, and have been told so.
    [Fact]
    public void What_is_combined_or_extracted_has_none()
    {
        using var model = new Tagged();
        using var adapter = model.CreateAdapter(new LoraConfig { ModulesToSave = [] }).Trained();
        using var sum = model.Combine(new CombineOptions { Method = CombineMethod.Cat }, (adapter, 0.5)).Adapter;
        Assert.Equal("", Saved(sum));
        using var tuned = new Tagged();
        using var extracted = model.Extract(tuned.state_dict(), 1).Adapter;
        Assert.Equal("", Saved(extracted));
    }

    [Fact]
    public void What_no_analyzer_could_see_is_refused_with_what_there_is()
    {
        using var model = new Tagged();
        Assert.Contains(
            "[ModulesToSave 'x'] matches no annotated projection; the annotated ones are [fc, score, classifier].",
            Assert.Throws<LoraException>(() => model.CreateAdapter(LoraConfig.SavingByDefault(null, "x"))).Message,
            StringComparison.Ordinal);
    }

    private static string Saved(LoraAdapter adapter) => string.Join(' ', adapter.SavedProjections.Select(update => update.Path));
}
