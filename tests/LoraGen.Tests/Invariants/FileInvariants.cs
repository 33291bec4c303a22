using LoraGen.Safetensors;
using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Invariants;

/// <summary>What PEFT's and torchtune's tests hold of saved adapters (tests/testing_common.py; tests/torchtune/modules/peft).</summary>
public sealed class FileInvariants : IDisposable
{
    private readonly IDisposable _scope = NewDisposeScope();
    private readonly SavedTower _saved = new();

    public void Dispose()
    {
        _saved.Dispose();
        _scope.Dispose();
    }

    // The adapter's name in PEFT is at most the folder's here: no file tells it.
    [Fact]
    public void I17_A_saved_adapter_gives_the_same_outputs_over_a_fresh_model_whatever_its_name_is()
    {
        using var folder = new ScratchFolder();
        using var adapter = Tower.Adapter.Load(_saved.Folder, _saved.Model);
        adapter.Save(folder.PathOf("default"));
        adapter.Save(folder.PathOf("lora_head"));
        var (x, reference) = (Base.Input(1, Tower.Width), new TowerReference(_saved.Model, adapter));
        _saved.Model.ActiveAdapter = adapter;
        var expected = Base.Bytes(_saved.Model.call(x));

        foreach (var (seed, name) in new[] { (1L, "default"), (2L, "lora_head") })
        {
            manual_seed(seed);
            using var fresh = new Tower();
            fresh.load_state_dict(_saved.Model.state_dict());
            using var loaded = Tower.Adapter.Load(folder.PathOf(name), fresh);
            fresh.ActiveAdapter = loaded;
            Assert.Equal(expected, Base.Bytes(fresh.call(x)));
            Assert.All(reference.Forward(Values.Flat(x)).Zip(Values.Flat(fresh.call(x))), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * (1 + Math.Abs(pair.First))));
        }

        foreach (var file in new[] { "adapter_config.json", "adapter_model.safetensors" })
            Assert.Equal(File.ReadAllBytes(folder.PathOf($"default/{file}")), File.ReadAllBytes(folder.PathOf($"lora_head/{file}")));
    }

    // PEFT puts every adapter that is not named "default" into a folder of that name. low_cpu_mem_usage spares it the random start, which
    // Load never draws.
    [Fact]
    public void I18_A_pickle_equals_safetensors_in_a_folder_of_the_adapters_name_and_no_random_number_is_drawn()
    {
        var french = Directory.CreateDirectory(Path.Combine(_saved.Folder, "french")).FullName;
        var weights = SafetensorsBytes.Parse(File.ReadAllBytes(_saved.WeightsPath));
        File.WriteAllBytes(Path.Combine(french, "adapter_model.bin"), TorchZipBytes.Write(weights));
        File.Copy(_saved.ConfigPath, Path.Combine(french, "adapter_config.json"));
        manual_seed(3);
        var expected = Base.Bytes(rand(4));

        manual_seed(3);
        using var safetensors = Tower.Adapter.Load(_saved.Folder, _saved.Model);
        using var pickle = Tower.Adapter.Load(french, _saved.Model);

        Assert.Equal(expected, Base.Bytes(rand(4)));
        foreach (var adapter in new[] { safetensors, pickle })
        {
            foreach (var (key, value) in adapter.state_dict())
                Assert.Equal(weights.Tensors[$"base_model.model.{key}"].Data, Base.Bytes(value));
        }
    }

    [Fact]
    public void I33_The_parameters_and_the_state_dict_of_an_adapter_have_exactly_these_keys()
    {
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(new LoraConfig { TargetModules = ["wte", "h.1.c_attn", "lm_head"], UseDora = true });
        string[] keys =
        [
            "lm_head.lora_A.weight", "lm_head.lora_B.weight", "lm_head.lora_magnitude_vector",
            "transformer.h.1.c_attn.lora_A.weight", "transformer.h.1.c_attn.lora_B.weight", "transformer.h.1.c_attn.lora_magnitude_vector",
            "transformer.wte.lora_embedding_A", "transformer.wte.lora_embedding_B", "transformer.wte.lora_magnitude_vector",
        ];
        Assert.Equal(keys, adapter.state_dict().Keys.Order(StringComparer.Ordinal));
        Assert.Equal(keys, adapter.named_parameters().Select(item => item.name).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("base_model.model.lm_head.lora_A.weight", "base_model.model.lm_head.lora_C.weight")]
    [InlineData("base_model.model.floors.1.h.0.up.lora_B.weight", "base_model.model.mix.lora_B.weight")]
    public void I35_Missing_and_unexpected_keys_are_refused_and_both_are_named(string missing, string unexpected)
    {
        _saved.EditWeights(file => file.Tensors.Remove(missing, out _));
        _saved.AssertRefused(_saved.WeightsPath, "expected 26 tensors", $"missing: [{missing}]", "unexpected: []");
        _saved.EditWeights(file => file.Tensors[unexpected] = new SafetensorsBytes.Stored("F32", [1], new byte[4]));
        _saved.AssertRefused(_saved.WeightsPath, "expected 26 tensors", $"missing: [{missing}]", $"unexpected: [{unexpected}]");
    }

    // What is saved is the base's file: its keys and no other, W + s B A or (m / ||V||) V where there was W.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void I36_A_merged_checkpoint_has_exactly_the_merged_matrices_and_the_keys_of_the_base(bool useDora)
    {
        using var folder = new ScratchFolder();
        using var model = new OneTarget(6, 5);
        using var adapter = model.CreateAdapter(new LoraConfig { UseDora = useDora }).Trained();
        var state = model.state_dict();
        var lora = new LoraLinear(Values.Matrix(state["proj.weight"]), Values.Flat(state["proj.bias"]), Values.Matrix(adapter.proj.A), Values.Matrix(adapter.proj.B), 12 / 3.0);
        var dora = useDora ? new DoraLinear(lora, Values.Flat(adapter.proj.Magnitude!)) : null;
        var bias = Base.Bytes(state["proj.bias"]);
        model.Merge(adapter);
        SafetensorsWriter.Write(folder.PathOf("merged.safetensors"), model.state_dict(), new Dictionary<string, string>());

        var file = SafetensorsBytes.Parse(File.ReadAllBytes(folder.PathOf("merged.safetensors")));
        Assert.Equal(["proj.bias", "proj.weight"], file.Tensors.Keys);
        Assert.Equal(bias, file.Tensors["proj.bias"].Data);
        var expected = (dora?.MergedWeight() ?? lora.MergedWeight()).Cast<double>();
        var found = file.Tensors["proj.weight"].Data.Chunk(sizeof(float)).Select(bytes => BitConverter.ToSingle(bytes));
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-6));

        var x = Base.Input(3, 6);
        var output = (dora?.Forward(Values.Matrix(x)) ?? lora.Forward(Values.Matrix(x))).Cast<double>();
        Assert.All(output.Zip(Values.Flat(model.call(x))), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }
}
