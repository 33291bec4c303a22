using LoraGen.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.ModulesToSave;

/// <summary>What the tests of saved modules have in common: which are saved, values for them, and inputs.</summary>
internal static class SavedBase
{
    /// <summary>All three kinds of projection.</summary>
    public static readonly LoraConfig Config = new() { ModulesToSave = ["classifier", "wte"] };

    /// <summary>The keys of what <see cref="Config"/> saves.</summary>
    public static readonly string[] Saved = ["classifier.dense.bias", "classifier.dense.weight", "classifier.out_proj.bias", "classifier.out_proj.weight", "wte.weight"];

    public static Tensor Ids() => tensor(new long[] { 3, 0, Classified.Ids - 1, 3, 5, 1 }).view(2, 3);

    public static T ModuleAt<T>(this nn.Module model, string path)
        where T : nn.Module
        => (T)model.named_modules().Single(item => item.name == path).module;

    /// <summary>Gives every parameter of an adapter values that are far from the base's.</summary>
    public static TAdapter Filled<TAdapter>(this TAdapter adapter, ulong seed = 5)
        where TAdapter : LoraAdapter
    {
        using var inference = no_grad();
        using var generator = new Generator(seed, CPU);
        foreach (var parameter in adapter.parameters())
        {
            parameter.normal_(0, 0.5, generator);
        }

        return adapter;
    }
}
