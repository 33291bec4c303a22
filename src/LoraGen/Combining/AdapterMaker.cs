using System.Text.RegularExpressions;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Combining;

/// <summary>Makes an adapter that holds given updates.</summary>
internal static class AdapterMaker
{
    /// <param name="model">The base.</param>
    /// <param name="config">What is not about ranks, scales and targets is taken from it.</param>
    /// <param name="dtype">The dtype of A and B.</param>
    /// <param name="updates">By path; a projection without one is left out.</param>
    /// <exception cref="LoraException">The model cannot take an adapter now, or there is no update.</exception>
    public static TAdapter Make<TAdapter>(ILoraModel<TAdapter> model, LoraConfig config, ScalarType dtype, IReadOnlyDictionary<string, ScaledFactors> updates)
        where TAdapter : LoraAdapter
    {
        using var generator = new Generator(0, CPU); // Its values are written over: the global generator is not to move.
        var adapter = model.CreateAdapter(ConfigOf(config, updates), generator).to(dtype);
        foreach (var update in adapter.Updates)
        {
            update.A.copy_(updates[update.Path].A);
            update.B.copy_(updates[update.Path].B);
        }

        return adapter;
    }

    // The scale is in B, and so alpha is r. Paths are regular expressions here, and a component may be named w+.
    private static LoraConfig ConfigOf(LoraConfig config, IReadOnlyDictionary<string, ScaledFactors> updates)
    {
        var common = updates.Values.GroupBy(factors => factors.Rank).OrderByDescending(group => group.Count()).Select(group => group.Key).FirstOrDefault(1);
        var others = updates.Where(item => item.Value.Rank != common).ToDictionary(item => $"^{Regex.Escape(item.Key)}", item => item.Value.Rank);
        return config with
        {
            Rank = common,
            Alpha = common,
            UseRslora = false,
            UseDora = false,
            Init = LoraInit.Kaiming,
            PissaIterations = null,
            LoftqBits = null,
            LoftqIterations = null,
            ModulesToSave = [],
            RankPattern = others,
            AlphaPattern = others.ToDictionary(item => item.Key, item => (double)item.Value),
            TargetModules = null,
            TargetModulesPattern = string.Join('|', updates.Keys.Select(Regex.Escape)),
            ExcludeModules = null,
            ExcludeModulesPattern = null,
            LayersToTransform = null,
            LayersPattern = null,
        };
    }
}
