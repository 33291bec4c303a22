using LoraGen.Tests.Files;
using LoraGen.Transformers.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Llama;

/// <summary>Adapters on Llama, under the names that Hugging Face and PEFT give its projections.</summary>
public sealed class AdapterTests : IDisposable
{
    private static readonly LoraConfig AllLinear = new() { TargetModulesPattern = LoraConfig.AllLinear };

    private static readonly int[] Ids = [3, 18, 0, 7, 7, 11];

    private readonly LlamaForCausalLM _model = TinyLlama.Create(TinyLlama.Config(tied: false));

    public void Dispose() => _model.Dispose();

    [Fact]
    public void The_base_has_Hugging_Faces_keys()
        => Assert.Equal(
            ((IEnumerable<string>)
            [
                "model.embed_tokens.weight", "model.norm.weight", "lm_head.weight",
                .. from layer in new[] { 0, 1 }
                   from name in new[]
                   {
                       "input_layernorm", "post_attention_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                       "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
                   }
                   select $"model.layers.{layer}.{name}.weight",
            ]).Order(StringComparer.Ordinal),
            _model.state_dict().Keys.Order(StringComparer.Ordinal));

    [Fact]
    public void By_default_queries_and_values_are_adapted_as_in_PEFT()
    {
        using var adapter = _model.CreateAdapter();
        Assert.Equal(
            from layer in new[] { 0, 1 }
            from name in new[] { "q_proj", "v_proj" }
            select $"model.layers.{layer}.self_attn.{name}",
            adapter.Updates.Select(update => update.Path));
    }

    [Fact]
    public void All_seven_projections_of_a_layer_are_linear_targets()
    {
        using var adapter = _model.CreateAdapter(AllLinear);
        Assert.Equal(
            from layer in new[] { 0, 1 }
            from name in new[] { "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj" }
            select $"model.layers.{layer}.{name}",
            adapter.Updates.Select(update => update.Path));
    }

    [Fact]
    public void The_shapes_are_those_of_grouped_query_heads()
    {
        using var adapter = _model.CreateAdapter(new LoraConfig { Rank = 4, TargetModules = ["q_proj", "v_proj"] });
        Assert.Equal(4, adapter.Updates.Count);
        Assert.Equal([24L, 4], adapter.model.layers[1].self_attn.q_proj.B.shape);
        Assert.Equal([12L, 4], adapter.model.layers[1].self_attn.v_proj.B.shape);
    }

    [Fact]
    public void The_logits_are_those_of_W_plus_s_B_A()
    {
        using var adapter = Trained();
        using var ids = TinyLlama.Ids([.. Ids.Select(id => (long)id)]);
        _model.ActiveAdapter = adapter;
        foreach (var (expected, found) in new NaiveLlama(_model, adapter).Logits(Ids).Zip(TinyLlama.Logits(_model, ids)))
        {
            TinyLlama.AssertClose(expected, found);
        }
    }

    [Fact]
    public void A_merged_adapter_gives_the_same_logits()
    {
        using var adapter = Trained();
        using var ids = TinyLlama.Ids([.. Ids.Select(id => (long)id)]);
        var expected = new NaiveLlama(_model, adapter).Logits(Ids);
        var before = TinyLlama.Logits(_model, ids);
        _model.Merge(adapter);
        TinyLlama.AssertClose(expected[^1], TinyLlama.Logits(_model, ids)[^1]);
        _model.Unmerge();
        Assert.Equal(before, TinyLlama.Logits(_model, ids));
    }

    [Fact]
    public void A_saved_adapter_comes_back()
    {
        using var folder = new ScratchFolder();
        using var adapter = Trained();
        using var ids = TinyLlama.Ids([.. Ids.Select(id => (long)id)]);
        _model.ActiveAdapter = adapter;
        var expected = TinyLlama.Logits(_model, ids);
        adapter.Save(folder.Path);
        using var loaded = LlamaForCausalLM.Adapter.Load(folder.Path, _model);
        _model.ActiveAdapter = loaded;
        Assert.Equal(expected, TinyLlama.Logits(_model, ids));
    }

    [Fact]
    public void Every_update_has_a_gradient()
    {
        using var adapter = Trained();
        using var ids = TinyLlama.Ids([.. Ids.Select(id => (long)id)]);
        _model.ActiveAdapter = adapter;
        using var loss = _model.call(ids).square().mean();
        loss.backward();
        Assert.All(adapter.named_parameters(), item =>
        {
            using var gradient = item.parameter.grad;
            Assert.True(gradient is not null && gradient.abs().max().item<float>() > 0, item.name);
        });
        Assert.All(_model.parameters(), parameter => Assert.Null(parameter.grad));
    }

    private LlamaForCausalLM.Adapter Trained()
    {
        var adapter = _model.CreateAdapter(new LoraConfig { Rank = 3, TargetModulesPattern = LoraConfig.AllLinear });
        TinyLlama.Randomize(adapter);
        return adapter;
    }
}
