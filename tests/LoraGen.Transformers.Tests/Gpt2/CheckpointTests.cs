using LoraGen.Tests.Files;
using LoraGen.Transformers.Gpt2;
using LoraGen.Transformers.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Gpt2;

/// <summary>GPT-2's checkpoints as they are found in the wild, and those that are refused.</summary>
public sealed class CheckpointTests : IDisposable
{
    private readonly ScratchFolder _folder = new();
    private readonly Gpt2LMHeadModel _model = TinyGpt2.Create();

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void With_the_prefix_comes_back_bit_for_bit()
    {
        Write();
        AssertLoads(_model);
    }

    [Fact]
    public void Without_the_prefix_as_the_first_files_were()
    {
        Write(WithoutPrefix);
        AssertLoads(_model);
    }

    [Fact]
    public void With_the_buffers_of_the_causal_mask()
    {
        using var scope = NewDisposeScope();
        Write(null, ("transformer.h.0.attn.bias", ones(1, 1, 16, 16, ScalarType.Bool)), ("transformer.h.1.attn.masked_bias", tensor(-1e4f)));
        AssertLoads(_model);
        Write(WithoutPrefix, ("h.0.attn.bias", ones(1, 1, 16, 16)), ("h.1.attn.masked_bias", tensor(-1e4f)));
        AssertLoads(_model);
    }

    [Fact]
    public void With_a_tied_head_that_is_there_although_it_is_tied()
    {
        using var scope = NewDisposeScope();
        Write(null, ("lm_head.weight", _model.state_dict()["transformer.wte.weight"].clone()));
        AssertLoads(_model);
    }

    [Fact]
    public void A_tied_head_of_other_values()
    {
        using var scope = NewDisposeScope();
        Write(null, ("lm_head.weight", zeros(19, 24)));
        Refused("lm_head.weight: expected the values of transformer.wte.weight", "set tie_word_embeddings to false");
    }

    [Fact]
    public void With_a_head_of_its_own()
    {
        using var untied = TinyGpt2.Create(TinyGpt2.Config with { TieWordEmbeddings = false });
        TinyModel.Write(_folder.Path, TinyGpt2.Json.Replace("}", ", \"tie_word_embeddings\": false }", StringComparison.Ordinal), untied);
        AssertLoads(untied);
    }

    [Fact]
    public void Missing_and_unexpected_keys_are_all_listed()
    {
        Write(key => key.EndsWith("ln_f.bias", StringComparison.Ordinal) ? "transformer.ln_f.beta" : key.EndsWith("h.1.mlp.c_fc.bias", StringComparison.Ordinal) ? null : key);
        Refused("missing: [transformer.h.1.mlp.c_fc.bias, transformer.ln_f.bias]", "unexpected: [transformer.ln_f.beta]");
    }

    [Fact]
    public void A_projection_stored_as_a_Linear_would_be()
    {
        using var scope = NewDisposeScope();
        Write(
            key => key == "transformer.h.0.mlp.c_fc.weight" ? null : key,
            ("transformer.h.0.mlp.c_fc.weight", _model.state_dict()["transformer.h.0.mlp.c_fc.weight"].t().contiguous()));
        Refused("transformer.h.0.mlp.c_fc.weight: expected shape [24, 40], found [40, 24]");
    }

    [Fact]
    public void A_loaded_model_is_ready_for_inference()
    {
        Write();
        using var loaded = Gpt2LMHeadModel.Load(_folder.Path, ScalarType.BFloat16);
        Assert.All(loaded.modules().Append(loaded), module => Assert.False(module.training));
        Assert.All(loaded.parameters(), parameter => Assert.Equal(ScalarType.BFloat16, parameter.dtype));
    }

    private static string WithoutPrefix(string key) => key["transformer.".Length..];

    private void Write(Func<string, string?>? rename = null, params (string, Tensor)[] more) => TinyModel.Write(_folder.Path, TinyGpt2.Json, _model, rename, more);

    private void AssertLoads(Gpt2LMHeadModel expected)
    {
        using var loaded = Gpt2LMHeadModel.Load(_folder.Path);
        Assert.Equal(Bytes(expected), Bytes(loaded));
    }

    private void Refused(params string[] named)
    {
        var refusal = Assert.Throws<LoraException>(() => Gpt2LMHeadModel.Load(_folder.Path));
        Assert.All([_folder.PathOf("model.safetensors"), .. named], part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
    }

    private static Dictionary<string, byte[]> Bytes(nn.Module module) => module.state_dict().ToDictionary(item => item.Key, item => item.Value.bytes.ToArray());
}
