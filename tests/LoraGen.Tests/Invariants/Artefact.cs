using System.Runtime.CompilerServices;
using System.Text.Json;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Invariants;

/// <summary>
/// An adapter that a version of LoraGen saved, kept in <c>Artefacts/version/name</c> with what that version made of it. The base's values
/// are not kept: they are fractions counted up.
/// </summary>
internal static class Artefact
{
    /// <summary>What is adapted, by the artefact's name.</summary>
    public static readonly Dictionary<string, LoraConfig> Configs = new()
    {
        ["plain"] = new()
        {
            TargetModules = ["wte", "dense"], ModulesToSave = ["out_proj"], Rank = 2, Alpha = 3, UseRslora = true, RankPattern = new Dictionary<string, int> { ["classifier.dense"] = 3 },
        },
        ["dora"] = new() { TargetModules = ["wte", "dense", "out_proj"], Rank = 2, UseDora = true, AlphaPattern = new Dictionary<string, double> { ["wte"] = 1 } },
        ["pissa"] = new() { TargetModules = ["dense", "out_proj"], Rank = 2, Init = LoraInit.Pissa },
        ["slices"] = new(),
    };

    public static string Folder { get; } = Path.Combine(Path.GetDirectoryName(ThisFile())!, "Artefacts");

    /// <summary>Keys with their shapes, and the outputs of the model with the adapter.</summary>
    public sealed record Expected(SortedDictionary<string, long[]> Shapes, double[] Outputs)
    {
        public static Expected Read(string folder) => JsonSerializer.Deserialize<Expected>(File.ReadAllText(Path.Combine(folder, "expected.json")))!;
    }

    /// <summary>Writes the adapters of this version, where there are none yet: those that were released are never made again.</summary>
    public static void Make()
    {
        var version = typeof(LoraAdapter).Assembly.GetName().Version!.ToString(3);
        foreach (var (name, config) in Configs.Where(item => !Directory.Exists(Path.Combine(Folder, version, item.Key))))
        {
            var folder = Path.Combine(Folder, version, name);
            using var model = Model(name);
            using var adapter = model switch { OneFused fused => fused.CreateAdapter(config), Classified classified => (LoraAdapter)classified.CreateAdapter(config), _ => throw new ArgumentException(name) };
            Number(adapter);
            adapter.Save(folder);
            var shapes = SafetensorsBytes.Parse(File.ReadAllBytes(Path.Combine(folder, "adapter_model.safetensors"))).Tensors.ToDictionary(item => item.Key, item => item.Value.Shape);
            File.WriteAllText(Path.Combine(folder, "expected.json"), JsonSerializer.Serialize(new Expected(new(shapes, StringComparer.Ordinal), Outputs(model, adapter))) + "\n");
        }
    }

    /// <summary>The base.</summary>
    public static Module<Tensor, Tensor> Model(string name)
    {
        Module<Tensor, Tensor> model = name == "slices" ? new OneFused(4, 6) : new Classified();
        Number(model);
        return model;
    }

    public static LoraAdapter Load(string folder, Module<Tensor, Tensor> model)
        => model is OneFused fused ? OneFused.Adapter.Load(folder, fused) : Classified.Adapter.Load(folder, (Classified)model);

    public static double[] Outputs(Module<Tensor, Tensor> model, LoraAdapter adapter)
    {
        using var scope = NewDisposeScope();
        switch (model)
        {
            case OneFused fused:
                fused.ActiveAdapter = (OneFused.Adapter)adapter;
                return Values.Flat(model.call(arange(8).view(2, 4) / 8.0f));
            case Classified classified:
                classified.ActiveAdapter = (Classified.Adapter)adapter;
                return Values.Flat(model.call(arange(Classified.Ids, ScalarType.Int64)));
            default: throw new ArgumentException(model.GetName());
        }
    }

    // A magnitude is a norm, and so above 0.
    private static void Number(nn.Module module)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        foreach (var (number, (name, parameter)) in module.named_parameters().OrderBy(item => item.name, StringComparer.Ordinal).Index())
        {
            var shift = name.EndsWith("magnitude_vector", StringComparison.Ordinal) ? 1 : 0;
            var values = Enumerable.Range(0, (int)parameter.NumberOfElements).Select(k => shift + ((((31 * k) + (7 * number)) % 61 - 30) / 64f));
            parameter.copy_(tensor(values.ToArray()).view(parameter.shape));
        }
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
