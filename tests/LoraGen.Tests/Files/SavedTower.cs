using System.Text.Json.Nodes;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;

namespace LoraGen.Tests.Files;

/// <summary>A saved adapter whose files a test spoils before it is loaded.</summary>
internal sealed class SavedTower : IDisposable
{
    private readonly ScratchFolder _folder = new();
    private readonly Dictionary<string, byte[]> _base;

    public SavedTower()
    {
        using var adapter = Model.CreateAdapter().Trained();
        adapter.Save(Folder);
        _base = Base.Bytes(Model);

        // As a base is before it has any adapter: a refused one must not freeze it.
        foreach (var parameter in Model.parameters())
        {
            parameter.requires_grad = true;
        }
    }

    public Tower Model { get; } = new();

    public string Folder => _folder.Path;

    public string ConfigPath => _folder.PathOf("adapter_config.json");

    public string WeightsPath => _folder.PathOf("adapter_model.safetensors");

    public void EditConfig(Action<JsonObject> edit)
    {
        var config = JsonNode.Parse(File.ReadAllText(ConfigPath))!.AsObject();
        edit(config);
        File.WriteAllText(ConfigPath, config.ToJsonString());
    }

    public void EditWeights(Action<SafetensorsBytes> edit)
    {
        var file = SafetensorsBytes.Parse(File.ReadAllBytes(WeightsPath));
        edit(file);
        File.WriteAllBytes(WeightsPath, file.ToArray());
    }

    /// <summary>Loading fails with a message of one line that holds every one of these parts, and the base stays as it was.</summary>
    public string AssertRefused(params string[] named)
    {
        var refusal = Assert.Throws<LoraException>(() => Tower.Adapter.Load(Folder, Model));
        Assert.All(named, part => Assert.Contains(part, refusal.Message, StringComparison.Ordinal));
        Assert.Equal(_base, Base.Bytes(Model));
        Assert.Null(Model.ActiveAdapter);
        Assert.All(Model.parameters(), parameter => Assert.True(parameter.requires_grad));
        Assert.DoesNotContain(refusal.Message, char.IsControl);
        return refusal.Message;
    }

    public void Dispose()
    {
        Model.Dispose();
        _folder.Dispose();
    }
}
