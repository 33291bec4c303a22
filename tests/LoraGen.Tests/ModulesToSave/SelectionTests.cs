using LoraGen.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.ModulesToSave;

/// <summary>What a new adapter saves whole: PEFT's <c>modules_to_save</c>, and its default of the tasks that classify.</summary>
public sealed class SelectionTests
{
    public static TheoryData<string[], string> Named => new()
    {
        { ["classifier"], "classifier.dense classifier.out_proj" },
        { ["out_proj"], "classifier.out_proj" },
        { ["classifier.dense"], "classifier.dense" },
        { ["wte", "classifier.out_proj", "wte"], "classifier.out_proj wte" },
        { [], "" },
    };

    [Theory]
    [MemberData(nameof(Named))]
    public void A_name_saves_the_projections_at_and_below_each_module_that_it_matches(string[] names, string expected)
        => Assert.Equal(expected, Saved(new LoraConfig { ModulesToSave = names }));

    // The end of a path counts only behind a dot.
    [Theory]
    [InlineData("proj")]
    [InlineData("ssifier")]
    [InlineData("nothing")]
    public void A_name_that_matches_nothing_is_refused_with_what_there_is(string name)
        => Refused(new LoraConfig { ModulesToSave = [name] }, $"LoraConfig: [ModulesToSave '{name}'] matches no annotated projection", "[wte, dense, classifier.dense, classifier.out_proj]");

    [Fact]
    public void A_module_with_parameters_that_no_annotated_projection_has_is_refused_by_their_names()
        => Refused(new LoraConfig { ModulesToSave = ["mix"] }, "LoraConfig: ModulesToSave: mix: expected a module", "[mix.weight, mix.bias]", "annotate");

    [Fact]
    public void What_is_saved_is_no_target_whatever_names_it()
    {
        using var model = new Classified();
        using var adapter = model.CreateAdapter(new LoraConfig { ModulesToSave = ["classifier"], TargetModules = ["dense", "out_proj"] });
        Assert.Equal(["dense"], adapter.Updates.Select(update => update.Path));
        Assert.Equal(["classifier.dense", "classifier.out_proj"], adapter.SavedProjections.Select(update => update.Path));
    }

    [Fact]
    public void With_nothing_else_to_adapt_there_is_an_adapter_of_what_is_saved()
    {
        using var model = new Classified();
        using var adapter = model.CreateAdapter(new LoraConfig { ModulesToSave = ["dense", "classifier"] });
        Assert.Empty(adapter.Updates);
        Assert.Equal(3, adapter.SavedProjections.Count);
    }

    [Theory]
    [InlineData("SEQ_CLS", "classifier.dense classifier.out_proj")]
    [InlineData("TOKEN_CLS", "classifier.dense classifier.out_proj")]
    [InlineData("CAUSAL_LM", "")]
    [InlineData(null, "")]
    public void The_classifier_is_saved_where_the_task_is_to_classify(string? task, string expected)
        => Assert.Equal(expected, Saved(new LoraConfig { TaskType = task }));

    [Fact]
    public void A_list_takes_the_place_of_the_tasks_own()
    {
        Assert.Equal("wte", Saved(new LoraConfig { TaskType = "SEQ_CLS", ModulesToSave = ["wte"] }));
        Assert.Equal("", Saved(new LoraConfig { TaskType = "SEQ_CLS", ModulesToSave = [] }));
    }

    [Fact]
    public void A_task_whose_classifier_is_not_annotated_is_refused_with_the_way_out()
    {
        using var model = new Unmarked();
        Assert.All(
            new[] { "score: expected a module", "[score.weight, score.bias]", "TaskType SEQ_CLS saves what has this name", "[] for nothing" },
            part => Assert.Contains(part, Assert.Throws<LoraException>(() => model.CreateAdapter(new LoraConfig { TaskType = "SEQ_CLS" })).Message, StringComparison.Ordinal));
        model.CreateAdapter(new LoraConfig { TaskType = "SEQ_CLS", ModulesToSave = [] }).Dispose();
    }

    [Fact]
    public void A_model_without_a_classifier_has_nothing_to_save()
    {
        using var model = new OneTarget(4, 4);
        using var adapter = model.CreateAdapter(new LoraConfig { TaskType = "SEQ_CLS" });
        Assert.Empty(adapter.SavedProjections);
    }

    [Fact]
    public void An_embedding_with_max_norm_is_refused()
    {
        using var model = new Classified(maxNorm: 1);
        Assert.StartsWith("wte: expected an embedding without max_norm", Assert.Throws<LoraException>(() => model.CreateAdapter(SavedBase.Config)).Message, StringComparison.Ordinal);
        model.CreateAdapter().Dispose();
    }

    [Fact]
    public void A_head_of_another_number_of_labels_is_refused()
    {
        using var model = new Classified();
        using var other = new Classified(labels: 5);
        using var adapter = other.CreateAdapter(SavedBase.Config);
        Assert.Contains("classifier.out_proj: out_features: expected 4 as in the base, found 5", Assert.Throws<LoraException>(() => model.ActiveAdapter = adapter).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refused_adapter_leaves_no_tensor_behind()
    {
        using var model = new Classified();
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Refuse();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);

        void Refuse()
        {
            using var scope = NewDisposeScope();
            Assert.Throws<LoraException>(() => model.CreateAdapter(new LoraConfig { ModulesToSave = ["classifier", "mix"] }));
        }
    }

    private static string Saved(LoraConfig config)
    {
        using var model = new Classified();
        using var adapter = model.CreateAdapter(config);
        return string.Join(' ', adapter.SavedProjections.Select(update => update.Path).Order(StringComparer.Ordinal));
    }

    private static void Refused(LoraConfig config, params string[] named)
    {
        using var model = new Classified();
        var refusal = Assert.Throws<LoraException>(() => model.CreateAdapter(config));
        Assert.All(named, part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
        Assert.All(model.parameters(), parameter => Assert.True(parameter.requires_grad));
    }
}
