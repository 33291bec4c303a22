using System.Text.Json.Nodes;
using LoraGen.Peft;
using LoraGen.Tests.Files;
using LoraGen.Tests.ModulesToSave;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Tests.Biases;

/// <summary>Trained biases in PEFT's two files: the keys that PEFT 0.6 and later look for, those of before, and those that PEFT dropped.</summary>
public sealed class OwnBiasFilesTests : IDisposable
{
    private const string Prefix = "base_model.model.";
    private const string Adapted = Prefix + "transformer.h.1.c_attn.base_layer.bias";
    private const string Beside = Prefix + "transformer.h.1.gate.bias";

    private readonly IDisposable _scope = NewDisposeScope();
    private readonly ScratchFolder _folder = new();
    private readonly Gpt _model = new();

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
        _scope.Dispose();
    }

    private string WeightsPath => _folder.PathOf("adapter_model.safetensors");

    private string ConfigPath => _folder.PathOf("adapter_config.json");

    [Theory]
    [InlineData(TrainedBiases.LoraOnly, "lora_only", 3)]
    [InlineData(TrainedBiases.All, "all", 9)]
    public void The_keys_are_PEFTs_and_what_was_saved_comes_back(TrainedBiases biases, string option, int count)
    {
        var saved = Save(biases);
        var keys = File().Tensors.Keys.Where(key => key.EndsWith("bias", StringComparison.Ordinal)).ToList();
        Assert.Equal(count, keys.Count);
        Assert.Contains(Adapted, keys);
        Assert.Equal(biases == TrainedBiases.All, keys.Contains(Beside));
        Assert.Equal(option, Config()["bias"]!.GetValue<string>());

        using var loaded = Gpt.Adapter.Load(_folder.Path, _model);
        Assert.Equal(saved, Base.Bytes(loaded));
        Assert.Equal(biases, loaded.Config.Bias);
    }

    // PEFT before 0.6 did not put a layer around the base's.
    [Theory]
    [InlineData(TrainedBiases.LoraOnly)]
    [InlineData(TrainedBiases.All)]
    public void The_keys_of_PEFT_before_0_6(TrainedBiases biases)
    {
        var saved = Save(biases);
        Edit(file =>
        {
            foreach (var (key, tensor) in file.Tensors.ToList())
            {
                file.Tensors.Remove(key);
                file.Tensors.Add(key.Replace(".base_layer.bias", ".bias", StringComparison.Ordinal), tensor);
            }
        });
        using var loaded = Gpt.Adapter.Load(_folder.Path, _model);
        Assert.Equal(saved, Base.Bytes(loaded));
    }

    // Its issue 3306: what lora_only had trained was dropped, and every PEFT computes with the base's bias then.
    [Fact]
    public void A_file_from_which_PEFT_dropped_them_loads_with_the_bases_and_says_so_when_inspected()
    {
        Save(TrainedBiases.LoraOnly);
        Edit(file =>
        {
            foreach (var key in file.Tensors.Keys.Where(key => key.EndsWith("bias", StringComparison.Ordinal)).ToList())
                file.Tensors.Remove(key);
        });
        using var loaded = Gpt.Adapter.Load(_folder.Path, _model);
        Assert.Equal(6, loaded.parameters().Count());
        Assert.Throws<LoraException>(() => loaded.transformer.h[0].c_attn.Bias);
        Assert.Contains(PeftCheckpoint.Inspect(_folder.Path).Oddities, oddity => oddity.StartsWith("bias is lora_only, and the file has no bias: PEFT dropped", StringComparison.Ordinal));

        loaded.Save(_folder.PathOf("again"));
        Assert.Equal("none", JsonNode.Parse(System.IO.File.ReadAllText(_folder.PathOf("again/adapter_config.json")))!["bias"]!.GetValue<string>());
    }

    [Fact]
    public void A_file_that_has_some_of_them_is_refused()
    {
        Save(TrainedBiases.LoraOnly);
        Edit(file => file.Tensors.Remove(Adapted));
        Refused("bias lora_only", "none of [transformer.h.1.c_attn]");
    }

    [Theory]
    [InlineData(Adapted)]
    [InlineData(Beside)]
    public void A_file_of_all_biases_that_lacks_one_is_refused(string key)
    {
        Save(TrainedBiases.All);
        Edit(file => file.Tensors.Remove(key));
        Refused($"missing: [{key}]", "unexpected: []");
    }

    [Fact]
    public void Both_spellings_of_one_bias_are_refused()
    {
        Save(TrainedBiases.LoraOnly);
        Edit(file => file.Tensors.Add(Prefix + "transformer.h.1.c_attn.bias", file.Tensors[Adapted]));
        Refused("unexpected: [base_model.model.transformer.h.1.c_attn.bias]");
    }

    [Fact]
    public void A_bias_of_another_size_is_refused()
    {
        Save(TrainedBiases.All);
        Edit(file => file.Tensors[Beside] = new SafetensorsBytes.Stored("F32", [3], new byte[12]));
        Refused($"{Beside}: expected shape [6], found [3]");
    }

    [Fact]
    public void A_bias_that_the_config_does_not_speak_of_is_refused()
    {
        Save(TrainedBiases.LoraOnly);
        EditConfig(config => config["bias"] = "none");
        Refused("unexpected: [base_model.model.transformer.h.0.c_attn.base_layer.bias");
    }

    [Fact]
    public void Values_in_half_precision_are_widened()
    {
        Save(TrainedBiases.All);
        var bias = tensor(new[] { 1.5f, -2, 0.25f, 3, 0, 1 }).to_type(ScalarType.BFloat16);
        Edit(file => file.Tensors[Beside] = new SafetensorsBytes.Stored("BF16", [6], Base.Bytes(bias)));
        using var loaded = Gpt.Adapter.Load(_folder.Path, _model);
        Assert.Equal(Values.Flat(bias), Values.Flat(loaded.transformer.h[1].gate.Bias!));
    }

    // With all, PEFT saves every bias of the base, whether or not training changed it; mix is no annotated projection.
    [Fact]
    public void A_bias_that_no_adapter_can_swap_is_passed_over_where_it_is_the_bases_and_refused_where_it_is_not()
    {
        using var model = new Classified();
        using var adapter = model.CreateAdapter(new LoraConfig { TargetModules = ["classifier.dense", "out_proj"], Bias = TrainedBiases.LoraOnly }).Filled();
        adapter.Save(_folder.Path);
        EditConfig(config => config["bias"] = "all");
        Edit(file => file.Tensors.Add($"{Prefix}mix.bias", new SafetensorsBytes.Stored("F32", [6], Base.Bytes(model.get_parameter("mix.bias")!))));
        using (var loaded = Classified.Adapter.Load(_folder.Path, model))
        {
            Assert.Equal(Base.Bytes(adapter), Base.Bytes(loaded));
        }

        Edit(file => file.Tensors[$"{Prefix}mix.bias"] = new SafetensorsBytes.Stored("F32", [6], new byte[24]));
        var refusal = Assert.Throws<LoraException>(() => Classified.Adapter.Load(_folder.Path, model)).Message;
        Assert.All(new[] { $"{Prefix}mix.bias: expected the values of this base", "bias all" }, part => Assert.Contains(part, refusal, StringComparison.Ordinal));
    }

    [Fact]
    public void PeftCheckpoint_reads_them_and_writes_them_below_base_layer()
    {
        Save(TrainedBiases.All);
        Edit(file =>
        {
            file.Tensors.Add(Prefix + "transformer.h.1.c_attn.bias", file.Tensors[Adapted]);
            file.Tensors.Remove(Adapted);
        });
        using (var checkpoint = PeftCheckpoint.Open(_folder.Path))
        {
            Assert.Equal("all", checkpoint.Config.Bias);
            Assert.Equal(9, checkpoint.Inspect().Saved.Count);
            checkpoint.Save(_folder.PathOf("new"));
        }

        var written = SafetensorsBytes.Parse(System.IO.File.ReadAllBytes(_folder.PathOf("new/adapter_model.safetensors")));
        Assert.Equal(File().Tensors[Prefix + "transformer.h.1.c_attn.bias"].Data, written.Tensors[Adapted].Data);
        Assert.Contains(Beside, written.Tensors.Keys);
        using var loaded = Gpt.Adapter.Load(_folder.PathOf("new"), _model);
    }

    // loralib saves its lora_only biases under the base's names.
    [Fact]
    public void Loralib_has_them_under_the_bases_names()
    {
        Save(TrainedBiases.LoraOnly);
        using var checkpoint = PeftCheckpoint.Open(_folder.Path);
        checkpoint.SaveLoralib(_folder.PathOf("lora.bin"));
        using var written = PeftCheckpoint.OpenLoralib(_folder.PathOf("lora.bin"), alpha: 8);
        Assert.Contains("transformer.h.1.c_attn.bias", written.Tensors.Select(tensor => tensor.Key));
    }

    private Dictionary<string, byte[]> Save(TrainedBiases biases)
    {
        using var adapter = _model.CreateAdapter(new LoraConfig { Bias = biases }).Filled();
        adapter.Save(_folder.Path);
        return Base.Bytes(adapter);
    }

    private SafetensorsBytes File() => SafetensorsBytes.Parse(System.IO.File.ReadAllBytes(WeightsPath));

    private JsonObject Config() => JsonNode.Parse(System.IO.File.ReadAllText(ConfigPath))!.AsObject();

    private void Edit(Action<SafetensorsBytes> edit)
    {
        var file = File();
        edit(file);
        System.IO.File.WriteAllBytes(WeightsPath, file.ToArray());
    }

    private void EditConfig(Action<JsonObject> edit)
    {
        var config = Config();
        edit(config);
        System.IO.File.WriteAllText(ConfigPath, config.ToJsonString());
    }

    private void Refused(params string[] named)
    {
        var refusal = Assert.Throws<LoraException>(() => Gpt.Adapter.Load(_folder.Path, _model)).Message;
        Assert.All(named, part => Assert.Contains(part, refusal, StringComparison.Ordinal));
    }
}
