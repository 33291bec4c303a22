using System.Text.Json.Nodes;
using LoraGen.Peft;
using LoraGen.Tests.Files;
using LoraGen.Tests.ModulesToSave;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Tests.TokenRows;

/// <summary>Trained rows in PEFT's two files.</summary>
public sealed class TokenRowsFilesTests : IDisposable
{
    private const string Key = "base_model.model.transformer.wte.token_adapter.trainable_tokens_delta";
    private const string BaseKey = "base_model.model.transformer.wte.token_adapter.base_layer.weight";

    private readonly IDisposable _scope = NewDisposeScope();
    private readonly ScratchFolder _folder = new();
    private readonly Gpt _model = new();
    private readonly Dictionary<string, byte[]> _saved;

    public TokenRowsFilesTests()
    {
        using var adapter = _model.CreateAdapter(new LoraConfig { TrainableTokenIndices = [5, 0, 3] }).Filled();
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
    public void The_key_is_PEFTs_and_the_config_has_the_ids_in_the_order_of_the_rows()
    {
        var stored = Read().Tensors[Key];
        Assert.Equal([3, Gpt.Width], stored.Shape);
        Assert.Equal(_saved["transformer.wte.token_adapter.trainable_tokens_delta"], stored.Data);
        Assert.Equal(7, Read().Tensors.Count);
        Assert.Equal("""{"transformer.wte":[5,0,3]}""", Config()["trainable_token_indices"]!.ToJsonString());
        AssertLoads();
    }

    [Theory]
    [InlineData("[5, 0, 3]")]
    [InlineData("""{"wte": [5, 0, 3]}""")]
    public void As_PEFT_may_have_been_told(string option)
    {
        EditConfig(config => config["trainable_token_indices"] = JsonNode.Parse(option));
        AssertLoads();
    }

    [Fact]
    public void A_raw_key_with_the_adapters_name()
    {
        Edit(file =>
        {
            file.Tensors.Add($"{Key}.default", file.Tensors[Key]);
            file.Tensors.Remove(Key);
        });
        AssertLoads();
    }

    // PEFT saves the embedding too where it was extended.
    [Fact]
    public void The_bases_weight_beside_them_is_passed_over_where_it_is_the_bases_and_refused_where_it_is_not()
    {
        Edit(file => file.Tensors.Add(BaseKey, new SafetensorsBytes.Stored("F32", [Gpt.Ids, Gpt.Width], Base.Bytes(_model.get_parameter("transformer.wte.weight")!))));
        AssertLoads();
        Edit(file => file.Tensors[BaseKey].Data[5] ^= 64);
        Refused($"{BaseKey}: expected the values of this base");
    }

    [Theory]
    [InlineData("[5, 0]", "expected shape [2, 6], found [3, 6]")]
    [InlineData("[5, 0, 9]", "expected ids of 0 to 6, found 9")]
    [InlineData("[5, 0, 0]", "expected each id once")]
    [InlineData("[5, 0, 1.5]", "expected ids that are whole numbers, found 1.5")]
    [InlineData("[5, 0, \"3\"]", "expected ids that are whole numbers")]
    [InlineData("7", "expected a list of ids, or an object of lists, found 7")]
    [InlineData("""{"wte": 7}""", "expected a list of ids, or an object of lists, found 7")]
    [InlineData("null", "unexpected: [base_model.model.transformer.wte.token_adapter.trainable_tokens_delta]")]
    [InlineData("[]", "unexpected: [base_model.model.transformer.wte.token_adapter.trainable_tokens_delta]")]
    public void Ids_that_are_not_those_of_the_rows(string option, string said)
    {
        EditConfig(config => config["trainable_token_indices"] = JsonNode.Parse(option));
        Refused(said);
    }

    [Fact]
    public void Rows_that_are_missing()
    {
        Edit(file => file.Tensors.Remove(Key));
        Refused($"missing: [{Key}]");
    }

    [Fact]
    public void Inspecting_names_them_without_a_base()
    {
        var report = PeftCheckpoint.Inspect(_folder.Path);
        var rows = Assert.Single(report.Saved);
        Assert.Equal((Key, "transformer.wte", PeftTensorKind.TrainableTokens), (rows.Key, rows.Path, rows.Kind));
        Assert.False(report.IsNoOp);
        Assert.Equal("""{"transformer.wte":[5,0,3]}""", JsonNode.Parse(report.Config.Others["trainable_token_indices"])!.ToJsonString());
        Assert.DoesNotContain(report.Oddities, oddity => oddity.Contains("wte", StringComparison.Ordinal));
    }

    [Fact]
    public void A_checkpoint_is_written_again_as_it_was()
    {
        using (var checkpoint = PeftCheckpoint.Open(_folder.Path))
        {
            checkpoint.Save(_folder.PathOf("again"));
        }

        using var loaded = Gpt.Adapter.Load(_folder.PathOf("again"), _model);
        Assert.Equal(_saved, Base.Bytes(loaded));
    }

    private void AssertLoads()
    {
        using var loaded = Gpt.Adapter.Load(_folder.Path, _model);
        Assert.Equal(_saved, Base.Bytes(loaded));
        Assert.Equal([5, 0, 3], loaded.transformer.wte.TokenIds);
    }

    private SafetensorsBytes Read() => SafetensorsBytes.Parse(File.ReadAllBytes(_folder.PathOf("adapter_model.safetensors")));

    private JsonObject Config() => JsonNode.Parse(File.ReadAllText(_folder.PathOf("adapter_config.json")))!.AsObject();

    private void Edit(Action<SafetensorsBytes> edit)
    {
        var file = Read();
        edit(file);
        File.WriteAllBytes(_folder.PathOf("adapter_model.safetensors"), file.ToArray());
    }

    private void EditConfig(Action<JsonObject> edit)
    {
        var config = Config();
        edit(config);
        File.WriteAllText(_folder.PathOf("adapter_config.json"), config.ToJsonString());
    }

    private void Refused(string said)
        => Assert.Contains(said, Assert.Throws<LoraException>(() => Gpt.Adapter.Load(_folder.Path, _model)).Message, StringComparison.Ordinal);
}
