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
    /// <param name="updates">By path, one or one for each adapted slice, of one rank; a projection without one is left out.</param>
    /// <param name="saved">The adapter whose projections that are saved whole the new one is to have, or null for none.</param>
    /// <exception cref="LoraException">The model cannot take an adapter now, or there is no update.</exception>
    public static TAdapter Make<TAdapter>(ILoraModel<TAdapter> model, LoraConfig config, ScalarType dtype, IReadOnlyDictionary<string, IReadOnlyList<ScaledFactors>> updates, TAdapter? saved = null)
        where TAdapter : LoraAdapter
    {
        using var generator = new Generator(0, CPU); // Its values are written over: the global generator is not to move.
        var adapter = model.CreateAdapter(ConfigOf(config, updates) with { ModulesToSave = saved?.ModulesToSave ?? [] }, generator).to(dtype);
        foreach (var update in adapter.Updates)
        {
            update.A.copy_(cat([.. updates[update.Path].Select(slice => slice.A)], 0).view_as(update.A));
            update.B.copy_(cat([.. updates[update.Path].Select(slice => slice.B)], 0).view_as(update.B));
        }

        foreach (var (own, other) in adapter.SavedProjections.Zip(saved?.SavedProjections ?? []))
        {
            own.Weight.copy_(other.Weight);
            own.Bias?.copy_(other.Bias!);
        }

        return adapter;
    }

    // The scale is in B, and so alpha is r. Paths are regular expressions here, and a component may be named w+.
    private static LoraConfig ConfigOf(LoraConfig config, IReadOnlyDictionary<string, IReadOnlyList<ScaledFactors>> updates)
    {
        var common = updates.Values.GroupBy(slices => slices[0].Rank).OrderByDescending(group => group.Count()).Select(group => group.Key).FirstOrDefault(1);
        var others = updates.Where(item => item.Value[0].Rank != common).ToDictionary(item => $"^{Regex.Escape(item.Key)}", item => item.Value[0].Rank);
        return config with
        {
            Rank = common,
            Alpha = common,
            UseRslora = false,
            UseDora = false,
            Init = LoraInit.Kaiming,
            PissaIterations = null,
            LoraBias = false,
            Bias = TrainedBiases.None,
            TrainableTokenIndices = null,
            TrainableTokenIndicesByModule = null,
            LoftqBits = null,
            LoftqIterations = null,
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
