using LoraGen.Tests.Files;
using LoraGen.Tests.Reference;

namespace LoraGen.Tests.Invariants;

/// <summary>
/// What earlier versions saved is read by this one (PEFT: tests/regression). <c>MAKE_ARTEFACTS=1</c> writes those of a new version, never
/// where <c>CI=true</c>.
/// </summary>
public sealed class ArtefactInvariants
{
    private static readonly bool IsToBeMade = Environment.GetEnvironmentVariable("MAKE_ARTEFACTS") == "1" && Environment.GetEnvironmentVariable("CI") != "true";

    public static TheoryData<string, string> Kept()
    {
        if (IsToBeMade)
            Artefact.Make();
        var data = new TheoryData<string, string>();
        foreach (var folder in Directory.GetDirectories(Artefact.Folder).Order(StringComparer.Ordinal).SelectMany(Directory.GetDirectories))
            data.Add(Path.GetFileName(Path.GetDirectoryName(folder))!, Path.GetFileName(folder));
        return data;
    }

    [Theory]
    [MemberData(nameof(Kept))]
    public void I28_An_adapter_that_an_earlier_version_saved_loads_bit_for_bit_and_gives_its_outputs(string version, string name)
    {
        using var again = new ScratchFolder();
        var folder = Path.Combine(Artefact.Folder, version, name);
        var expected = Artefact.Expected.Read(folder);
        using var model = Artefact.Model(name);

        using var adapter = Artefact.Load(folder, model);

        Assert.All(expected.Outputs.Zip(Artefact.Outputs(model, adapter)), pair => Assert.Equal(pair.First, pair.Second, 1e-6 * (1 + Math.Abs(pair.First))));
        adapter.Save(again.Path);
        var (kept, saved) = (Tensors(folder), Tensors(again.Path));
        Assert.Equal(expected.Shapes.Keys, kept.Keys);
        Assert.Equal(expected.Shapes.Keys, saved.Keys);
        foreach (var (key, shape) in expected.Shapes)
        {
            Assert.Equal(shape, saved[key].Shape);
            Assert.Equal(kept[key].Data, saved[key].Data);
        }
    }

    private static SortedDictionary<string, SafetensorsBytes.Stored> Tensors(string folder)
        => SafetensorsBytes.Parse(File.ReadAllBytes(Path.Combine(folder, "adapter_model.safetensors"))).Tensors;
}
