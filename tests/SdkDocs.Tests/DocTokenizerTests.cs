using System.Text.Json.Nodes;
using LoraGen;
using SdkDocs.Model;

namespace SdkDocs.Tests;

/// <summary>A tokenizer that does not belong to the base is refused before a token of it reaches the model.</summary>
public sealed class DocTokenizerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sdkdocs tokenizer").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Without_the_special_token_of_the_task()
        => Refused(root => root["added_tokens"]!.AsArray().RemoveAt(1), "expected <|summary|>");

    [Fact]
    public void With_an_id_that_the_base_does_not_know()
        => Refused(root => root["model"]!["vocab"]!["a"] = 99999, "expected less than 4096", "found 99999");

    [Fact]
    public void Of_another_kind()
        => Refused(root => root["model"]!["type"] = "WordLevel", "model.type: expected BPE, WordPiece or Unigram, found \"WordLevel\"");

    [Fact]
    public void Without_a_model()
        => Refused(root => root.Remove("model"), "model: expected an object, found nothing");

    private void Refused(Action<JsonObject> edit, params string[] expected)
    {
        var root = JsonNode.Parse(File.ReadAllText(Path.Combine(BaseModel.Folder, "tokenizer.json")))!.AsObject();
        edit(root);
        File.WriteAllText(Path.Combine(_folder, "tokenizer.json"), root.ToJsonString());
        var error = Assert.Throws<LoraException>(() => DocTokenizer.Read(_folder));
        Assert.Contains(_folder, error.Message);
        Assert.All(expected, text => Assert.Contains(text, error.Message));
    }
}
