using System.Text.Json.Nodes;
using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.ModulesToSave;

/// <summary>Saved modules in PEFT's two files: what Save writes, and every spelling that Load takes or refuses.</summary>
public sealed class FilesTests : IDisposable
{
    private const string Prefix = "base_model.model.";

    private readonly IDisposable _scope = NewDisposeScope();
    private readonly ScratchFolder _folder = new();
    private readonly Classified _model = new();
    private readonly Dictionary<string, byte[]> _saved;

    public FilesTests()
    {
        using var adapter = _model.CreateAdapter(SavedBase.Config).Filled();
        adapter.Save(_folder.Path);
        _saved = Base.Bytes(adapter);
    }

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void The_keys_are_PEFTs_and_the_tensors_fp32()
    {
        var file = SafetensorsBytes.Parse(File.ReadAllBytes(WeightsPath));
        Assert.Equal(
            [
                ("base_model.model.classifier.dense.bias", "F32", [6L]),
                ("base_model.model.classifier.dense.weight", "F32", [6L, 6]),
                ("base_model.model.classifier.out_proj.bias", "F32", [4L]),
                ("base_model.model.classifier.out_proj.weight", "F32", [4L, 6]),
                ("base_model.model.dense.lora_A.weight", "F32", [2L, 6]),
                ("base_model.model.dense.lora_B.weight", "F32", [6L, 2]),
                ("base_model.model.wte.weight", "F32", [9L, 6]),
            ],
            file.Tensors.Select(item => (item.Key, item.Value.Dtype, item.Value.Shape)));
        Assert.All(file.Tensors, item => Assert.Equal(_saved[item.Key[Prefix.Length..]], item.Value.Data));
    }

    // dense would match a layer that is not saved, and so the module around it is named; that in turn holds the other dense, which PEFT does
    // not target inside a saved module.
    [Fact]
    public void The_config_names_modules_by_their_last_names_as_long_as_these_match_no_other()
    {
        var config = JsonNode.Parse(File.ReadAllText(ConfigPath))!;
        Assert.Equal("""["classifier","wte"]""", config["modules_to_save"]!.ToJsonString());
        Assert.Equal("""["dense"]""", config["target_modules"]!.ToJsonString());
    }

    [Theory]
    [InlineData("classifier.dense", """["classifier.dense"]""")]
    [InlineData("classifier.out_proj", """["out_proj"]""")]
    public void A_part_of_a_head_is_named_by_its_path_where_its_name_is_not_its_own(string saved, string expected)
    {
        using var adapter = _model.CreateAdapter(new LoraConfig { ModulesToSave = [saved] });
        adapter.Save(_folder.PathOf("part"));
        Assert.Equal(expected, JsonNode.Parse(File.ReadAllText(_folder.PathOf("part/adapter_config.json")))!["modules_to_save"]!.ToJsonString());
        using var loaded = Classified.Adapter.Load(_folder.PathOf("part"), _model);
        Assert.Equal([saved], loaded.SavedProjections.Select(update => update.Path));
    }

    [Fact]
    public void What_was_saved_comes_back() => AssertLoads();

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""["classifier"]""")]
    [InlineData("""["classifier", "wte", "classifier", "score"]""")]
    [InlineData("""["out_proj", "score"]""")]
    public void Listed_or_not_and_beside_names_that_match_nothing(string list)
    {
        EditConfig(config => config["modules_to_save"] = JsonNode.Parse(list));
        AssertLoads();
    }

    [Theory]
    [InlineData("classifier.modules_to_save.", "wte.modules_to_save.")]
    [InlineData("classifier.modules_to_save.default.", "wte.modules_to_save.default.")]
    [InlineData("classifier.modules_to_save.default.modules_to_save.default.", "wte.modules_to_save.")]
    public void Keys_of_old_versions(string classifier, string wte)
    {
        EditWeights(file =>
        {
            Rename(file, "classifier.", classifier);
            Rename(file, "wte.", wte);
        });
        AssertLoads();
    }

    [Theory]
    [InlineData("classifier.original_module.dense.weight")]
    [InlineData("classifier.original_module.modules_to_save.default.out_proj.bias")]
    [InlineData("wte.original_module.weight")]
    public void The_bases_own_values_beside_them_are_passed_over(string key)
    {
        EditWeights(file => file.Tensors.Add(Prefix + key, new SafetensorsBytes.Stored("F32", [3], new byte[12])));
        AssertLoads();
    }

    [Fact]
    public void Values_in_half_precision_are_widened()
    {
        var bias = _model.get_parameter("classifier.out_proj.bias")!.to_type(ScalarType.BFloat16);
        EditWeights(file => file.Tensors[$"{Prefix}classifier.out_proj.bias"] = new SafetensorsBytes.Stored("BF16", [4], Base.Bytes(bias)));
        using var loaded = Load();
        Assert.Equal(Values.Flat(bias), Values.Flat(loaded.classifier.out_proj.Bias!));
    }

    [Fact]
    public void A_parameter_that_is_missing()
    {
        EditWeights(file => file.Tensors.Remove($"{Prefix}classifier.out_proj.bias"));
        Refused("missing: [base_model.model.classifier.out_proj.bias]", "unexpected: []");
    }

    [Fact]
    public void A_listed_module_of_which_the_file_has_nothing()
    {
        EditWeights(file => file.Tensors.Remove($"{Prefix}wte.weight"));
        Refused("missing: [base_model.model.wte.weight]", "unexpected: []");
    }

    [Fact]
    public void A_bias_alone_that_is_not_listed()
    {
        EditConfig(config => config["modules_to_save"] = null);
        EditWeights(file => file.Tensors.Remove($"{Prefix}classifier.out_proj.weight"));
        Refused("missing: []", "unexpected: [base_model.model.classifier.out_proj.bias]");
    }

    [Theory]
    [InlineData("mix.weight")]
    [InlineData("mix.modules_to_save.default.weight")]
    [InlineData("mix.original_module.weight")]
    [InlineData("nowhere.weight")]
    [InlineData("wte.extra")]
    public void One_of_what_is_not_annotated(string key)
    {
        EditWeights(file => file.Tensors.Add(Prefix + key, new SafetensorsBytes.Stored("F32", [6, 6], new byte[144])));
        Refused("missing: []", $"unexpected: [base_model.model.{key}]");
    }

    [Fact]
    public void A_key_without_PEFTs_prefix()
    {
        EditWeights(file => file.Tensors.Add("wte.weight", file.Tensors[$"{Prefix}wte.weight"]));
        Refused("unexpected: [wte.weight]");
    }

    [Fact]
    public void One_tensor_in_two_spellings()
    {
        EditWeights(file => file.Tensors.Add($"{Prefix}wte.modules_to_save.weight", file.Tensors[$"{Prefix}wte.weight"]));
        Refused("wte.weight", "wte.modules_to_save.weight", "expected one tensor");
    }

    [Fact]
    public void Another_number_of_labels()
    {
        EditWeights(file => file.Tensors[$"{Prefix}classifier.out_proj.weight"] = new SafetensorsBytes.Stored("F32", [5, 6], new byte[120]));
        Refused("base_model.model.classifier.out_proj.weight: expected shape [4, 6], found [5, 6]");
    }

    [Fact]
    public void Whole_numbers()
    {
        EditWeights(file => file.Tensors[$"{Prefix}classifier.out_proj.bias"] = new SafetensorsBytes.Stored("I32", [4], new byte[16]));
        Refused("base_model.model.classifier.out_proj.bias: expected F32, F16 or BF16, found Int32");
    }

    [Fact]
    public void A_listed_module_with_other_parameters()
    {
        EditConfig(config => config["modules_to_save"] = new JsonArray("mix"));
        Refused("adapter_config.json: ModulesToSave: mix: expected a module", "[mix.weight, mix.bias]");
    }

    [Theory]
    [InlineData("\"score\"")]
    [InlineData("[1]")]
    public void A_list_that_is_none(string list)
    {
        EditConfig(config => config["modules_to_save"] = JsonNode.Parse(list));
        Refused("adapter_config.json: modules_to_save: expected a");
    }

    [Fact]
    public void An_update_and_a_weight_of_one_projection()
    {
        EditWeights(file => file.Tensors.Add($"{Prefix}dense.weight", new SafetensorsBytes.Stored("F32", [6, 6], new byte[144])));
        Refused("unexpected: [base_model.model.dense.lora_A.weight, base_model.model.dense.lora_B.weight]");
    }

    private string WeightsPath => _folder.PathOf("adapter_model.safetensors");

    private string ConfigPath => _folder.PathOf("adapter_config.json");

    private Classified.Adapter Load() => Classified.Adapter.Load(_folder.Path, _model);

    private void AssertLoads()
    {
        using var loaded = Load();
        Assert.Equal(_saved, Base.Bytes(loaded));
    }

    private void Refused(params string[] named)
    {
        var before = Base.Bytes(_model);
        var refusal = Assert.Throws<LoraException>(Load);
        Assert.All(named, part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
        Assert.Equal(before, Base.Bytes(_model));
    }

    private static void Rename(SafetensorsBytes file, string from, string to)
    {
        foreach (var (key, tensor) in file.Tensors.Where(item => item.Key.StartsWith(Prefix + from, StringComparison.Ordinal)).ToList())
        {
            file.Tensors.Remove(key);
            file.Tensors.Add($"{Prefix}{to}{key[(Prefix.Length + from.Length)..]}", tensor);
        }
    }

    private void EditConfig(Action<JsonObject> edit)
    {
        var config = JsonNode.Parse(File.ReadAllText(ConfigPath))!.AsObject();
        edit(config);
        File.WriteAllText(ConfigPath, config.ToJsonString());
    }

    private void EditWeights(Action<SafetensorsBytes> edit)
    {
        var file = SafetensorsBytes.Parse(File.ReadAllBytes(WeightsPath));
        edit(file);
        File.WriteAllBytes(WeightsPath, file.ToArray());
    }
}
