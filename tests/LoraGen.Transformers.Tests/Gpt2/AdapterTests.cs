using LoraGen.Tests.Files;
using LoraGen.Transformers.Gpt2;
using LoraGen.Transformers.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Gpt2;

/// <summary>Adapters on GPT-2, under the names that Hugging Face and PEFT give its projections.</summary>
public sealed class AdapterTests : IDisposable
{
    private static readonly int[] Ids = [3, 18, 0, 7, 7, 11];
    private static readonly string[] Projections = ["attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"];

    private readonly Gpt2LMHeadModel _model = TinyGpt2.Create(TinyGpt2.Config with { TieWordEmbeddings = false });

    public static TheoryData<string[]> Targets => new(["c_attn"], ["c_attn", "c_proj", "c_fc"], ["wte", "wpe"], ["lm_head", "c_attn", "wte"]);

    public void Dispose() => _model.Dispose();

    [Fact]
    public void The_base_has_Hugging_Faces_keys()
        => Assert.Equal(
            ((IEnumerable<string>)
            [
                "transformer.wte.weight", "transformer.wpe.weight", "transformer.ln_f.weight", "transformer.ln_f.bias", "lm_head.weight",
                .. from layer in new[] { 0, 1 }
                   from name in Projections.Concat(["ln_1", "ln_2"])
                   from part in new[] { "weight", "bias" }
                   select $"transformer.h.{layer}.{name}.{part}",
            ]).Order(StringComparer.Ordinal),
            _model.state_dict().Keys.Order(StringComparer.Ordinal));

    [Fact]
    public void By_default_c_attn_is_adapted_as_in_PEFT()
    {
        using var adapter = _model.CreateAdapter();
        Assert.Equal(["transformer.h.0.attn.c_attn", "transformer.h.1.attn.c_attn"], adapter.Updates.Select(update => update.Path));
        Assert.Equal([8L, 24], adapter.Updates[0].A.shape);
        Assert.Equal([72L, 8], adapter.Updates[0].B.shape);
    }

    [Fact]
    public void All_linear_is_every_projection_but_the_head()
    {
        using var adapter = _model.CreateAdapter(new LoraConfig { TargetModulesPattern = LoraConfig.AllLinear });
        Assert.Equal(
            from layer in new[] { 0, 1 } from name in Projections select $"transformer.h.{layer}.{name}",
            adapter.Updates.Select(update => update.Path));
    }

    [Fact]
    public void A_new_adapter_changes_nothing()
    {
        var expected = TinyGpt2.Logits(_model, Ids);
        using var adapter = _model.CreateAdapter(new LoraConfig { TargetModules = ["c_attn", "c_proj", "c_fc", "wte", "wpe", "lm_head"] });
        _model.ActiveAdapter = adapter;
        Assert.Equal(expected, TinyGpt2.Logits(_model, Ids));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void The_logits_are_those_of_W_plus_s_B_A(string[] targets)
    {
        using var adapter = Trained(targets);
        _model.ActiveAdapter = adapter;
        TinyModel.AssertClose(new NaiveGpt2(_model.Config, _model, adapter).Logits(Ids), TinyGpt2.Logits(_model, Ids));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void A_merged_adapter_gives_the_same_logits(string[] targets)
    {
        using var adapter = Trained(targets);
        var before = TinyGpt2.Logits(_model, Ids);
        _model.ActiveAdapter = adapter;
        var unmerged = TinyGpt2.Logits(_model, Ids);
        _model.Merge(adapter);
        TinyModel.AssertClose(unmerged, TinyGpt2.Logits(_model, Ids), tolerance: 1e-5);
        _model.Unmerge();
        Assert.Equal(before, TinyGpt2.Logits(_model, Ids));
    }

    [Fact]
    public void A_tied_head_is_not_adapted_with_the_embedding()
    {
        using var tied = TinyGpt2.Create();
        using var adapter = TinyModel.Random(tied.CreateAdapter(new LoraConfig { TargetModules = ["wte"] }));
        tied.ActiveAdapter = adapter;
        TinyModel.AssertClose(new NaiveGpt2(tied.Config, tied, adapter).Logits(Ids), TinyGpt2.Logits(tied, Ids));
    }

    [Fact]
    public void A_saved_adapter_comes_back()
    {
        using var folder = new ScratchFolder();
        using var adapter = Trained("c_attn", "c_proj");
        _model.ActiveAdapter = adapter;
        var expected = TinyGpt2.Logits(_model, Ids);
        adapter.Save(folder.Path);
        using var loaded = Gpt2LMHeadModel.Adapter.Load(folder.Path, _model);
        _model.ActiveAdapter = loaded;
        Assert.Equal(expected, TinyGpt2.Logits(_model, Ids));
    }

    [Fact]
    public void Training_lowers_the_loss_and_leaves_the_base()
    {
        using var scope = NewDisposeScope();
        using var adapter = _model.CreateAdapter();
        _model.ActiveAdapter = adapter;
        var optimizer = optim.AdamW(adapter.parameters(), lr: 1e-2);
        var before = _model.state_dict().ToDictionary(item => item.Key, item => item.Value.bytes.ToArray());
        var losses = Enumerable.Range(0, 20).Select(_ =>
        {
            optimizer.zero_grad();
            var logits = _model.call(TinyModel.Ids(Ids[..^1])).squeeze(0);
            var loss = nn.functional.cross_entropy(logits, TinyModel.Ids(Ids[1..]).squeeze(0));
            loss.backward();
            optimizer.step();
            return loss.item<float>();
        }).ToList();
        Assert.True(losses[^1] < 0.5 * losses[0], $"{losses[0]} to {losses[^1]}");
        Assert.Equal(before, _model.state_dict().ToDictionary(item => item.Key, item => item.Value.bytes.ToArray()));
    }

    private Gpt2LMHeadModel.Adapter Trained(params string[] targets)
        => TinyModel.Random(_model.CreateAdapter(new LoraConfig { Rank = 3, Alpha = 6, TargetModules = targets }));
}
