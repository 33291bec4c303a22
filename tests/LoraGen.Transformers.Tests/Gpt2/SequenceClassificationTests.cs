using LoraGen.Tests.Files;
using LoraGen.Tests.Reference;
using LoraGen.Transformers.Gpt2;
using LoraGen.Transformers.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Gpt2;

/// <summary>GPT-2 with a classifier on the last token.</summary>
public sealed class SequenceClassificationTests : IDisposable
{
    private readonly ScratchFolder _folder = new();
    private readonly Gpt2ForSequenceClassification _model = TinyModel.Filled(new Gpt2ForSequenceClassification(TinyGpt2.Config));

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Reads_the_last_token_of_each_row()
        => TinyModel.AssertClose([Naive([3, 18, 0, 7]), Naive([1, 2, 3, 4])], Rows(() => _model.call(TinyModel.Ids([3, 18, 0, 7], [1, 2, 3, 4]))));

    [Fact]
    public void Padding_on_either_side_is_passed_over()
        => TinyModel.AssertClose(
            [Naive([3, 18, 0]), Naive([1, 2]), Naive([4, 5, 6, 7])],
            Rows(() => _model.Classify(
                TinyModel.Ids([9, 3, 18, 0], [1, 2, 9, 9], [4, 5, 6, 7]),
                TinyModel.Tokens([0, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 1]))));

    [Fact]
    public void With_an_adapter_on_the_projections_and_the_head()
    {
        using var adapter = TinyModel.Random(_model.CreateAdapter(new LoraConfig { TargetModules = ["c_attn", "score"] }));
        _model.ActiveAdapter = adapter;
        var naive = new NaiveGpt2(_model.Config, _model, adapter);
        TinyModel.AssertClose([naive.Classify([3, 18, 0, 7])], Rows(() => _model.call(TinyModel.Ids([3, 18, 0, 7]))));
    }

    [Fact]
    public void Comes_back_with_its_head()
    {
        TinyModel.Write(_folder.Path, TinyGpt2.Json, _model);
        using var loaded = Gpt2ForSequenceClassification.Load(_folder.Path);
        Assert.Equal(Values.Flat(_model.state_dict()["score.weight"]), Values.Flat(loaded.state_dict()["score.weight"]));
    }

    [Fact]
    public void A_language_models_checkpoint_has_no_head_and_the_refusal_says_what_to_do()
    {
        using var scope = NewDisposeScope();
        using var language = TinyGpt2.Create();
        TinyModel.Write(_folder.Path, TinyGpt2.Json, language, null, ("lm_head.weight", zeros(19, 24)));
        var refusal = Assert.Throws<LoraException>(() => Gpt2ForSequenceClassification.Load(_folder.Path));
        Assert.Contains("missing: [score.weight]; unexpected: []", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("pass newLabels", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_new_head_is_drawn_where_it_is_asked_for()
    {
        using var language = TinyGpt2.Create();
        TinyModel.Write(_folder.Path, TinyGpt2.Json, language);
        using var loaded = Gpt2ForSequenceClassification.Load(_folder.Path, newLabels: 500);
        Assert.Equal(500, loaded.Config.NumLabels);
        AssertDrawn(loaded, 500);
        Assert.Equal(Values.Flat(language.state_dict()["transformer.wte.weight"]), Values.Flat(loaded.state_dict()["transformer.wte.weight"]));
    }

    // As many classes as the file's head has: that head would fit, and is not what was asked for.
    [Fact]
    public void A_new_head_takes_the_place_of_the_files()
    {
        TinyModel.Write(_folder.Path, TinyGpt2.Json, _model);
        using var loaded = Gpt2ForSequenceClassification.Load(_folder.Path, newLabels: 3);
        AssertDrawn(loaded, 3);
    }

    [Fact]
    public void No_classes_are_refused()
    {
        TinyModel.Write(_folder.Path, TinyGpt2.Json, _model);
        var refusal = Assert.Throws<LoraException>(() => Gpt2ForSequenceClassification.Load(_folder.Path, newLabels: 0));
        Assert.Contains("newLabels: expected a positive number of classes, found 0", refusal.Message, StringComparison.Ordinal);
    }

    // N(0, 0.02^2): the filled models' weights are fifteen times as large. Six standard errors of the deviation of n values.
    private static void AssertDrawn(Gpt2ForSequenceClassification model, int labels)
    {
        var values = Values.Flat(model.state_dict()["score.weight"]);
        Assert.Equal(labels * 24, values.Length);
        var deviation = Math.Sqrt(values.Select(value => value * value).Average());
        Assert.Equal(0.02, deviation, tolerance: 6 * 0.02 / Math.Sqrt(2 * values.Length));
    }

    private double[] Naive(int[] ids) => new NaiveGpt2(_model.Config, _model).Classify(ids);

    private static double[][] Rows(Func<Tensor> logits)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        return TinyModel.Rows(logits());
    }
}
