using LoraGen.Combining;
using LoraGen.Compression;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>Adapters of lower rank, and adapters out of fine-tuned weights.</summary>
public static class LoraCompression
{
    /// <summary>
    /// Makes an adapter of lower rank whose updates are as near to those of another as their rank allows (Eckart and Young): the truncated
    /// singular value decomposition of s B A, computed from the factors in float64. The new scale is 1 (alpha = r). Slices are cut
    /// each for itself, and what is saved whole stays as it is.
    /// </summary>
    /// <param name="model">The base, with nothing merged into it.</param>
    /// <param name="adapter">What is to become smaller; it stays as it is.</param>
    /// <param name="rank">One rank for all projections, or as many singular values as have a share of the energy.</param>
    /// <returns>The adapter, and what was lost in each projection.</returns>
    /// <exception cref="LoraException">The adapter does not fit the model or is not finite, or a weight of the model carries an adapter.</exception>
    public static DerivedAdapter<TAdapter> Compress<TAdapter>(this ILoraModel<TAdapter> model, TAdapter adapter, RankChoice rank)
        where TAdapter : LoraAdapter
    {
        ArgumentNullException.ThrowIfNull(adapter);
        ArgumentNullException.ThrowIfNull(rank);
        return model.Combine(new CombineOptions { Rank = rank }, (adapter, 1));
    }

    /// <summary>
    /// Makes the adapter that comes nearest to a fully fine-tuned model: the truncated singular value decomposition of W1 - W0 in each
    /// projection, computed in float64. The new scale is 1 (alpha = r). What else differs stays the base's, and is named in
    /// <see cref="DerivedAdapter{TAdapter}.LeftOut"/>.
    /// </summary>
    /// <param name="model">The base, with nothing merged into it.</param>
    /// <param name="tuned">
    /// The fine-tuned weights by the base's keys: the <c>state_dict</c> of another model of the class, or the tensors of a checkpoint. Floating point of
    /// any dtype, on any device.
    /// </param>
    /// <param name="rank">One rank for all projections, or as many singular values as have a share of the energy.</param>
    /// <param name="config">Says which projections to adapt; its ranks and alphas count for nothing here, nor does the class's own ModulesToSave. Null takes those that are adapted by default.</param>
    /// <returns>The adapter, and what was lost in each projection.</returns>
    /// <exception cref="LoraException">
    /// A tensor is missing, has another shape or is not finite, a weight of the model carries an adapter, by energy no projection differs, or the config asks for what is no A and B alone.
    /// </exception>
    public static DerivedAdapter<TAdapter> Extract<TAdapter>(
        this ILoraModel<TAdapter> model, IReadOnlyDictionary<string, Tensor> tuned, RankChoice rank, LoraConfig? config = null)
        where TAdapter : LoraAdapter
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tuned);
        ArgumentNullException.ThrowIfNull(rank);
        RequireLowRankAlone(config ?? new LoraConfig());
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var fineTuned = new FineTunedWeights((nn.Module)model, tuned);
        using var template = Template(model, config);
        var sites = LoraSites.Of(model, template).Where(site => site.Update.IsTargeted).ToList();
        sites.ForEach(site => site.Update.RequirePlain("Extract"));
        var differences = sites.Select(site => fineTuned.DifferenceAt(site, rank.Limit)).ToList();
        var ranks = rank.Ranks(differences);
        var updates = Enumerable.Range(0, sites.Count).Where(i => ranks[i] > 0).ToDictionary(i => sites[i].Path, IReadOnlyList<ScaledFactors> (i) => [differences[i].Truncated(ranks[i])], StringComparer.Ordinal);
        var adapter = AdapterMaker.Make(model, template.Config with { Dropout = SharedDropout.Of(template.Updates) }, ScalarType.Float32, updates);
        return new DerivedAdapter<TAdapter>(
            adapter,
            [.. sites.Select((site, i) => new DerivedError(site.Path, ranks[i], differences[i].NormFrom(0), differences[i].NormFrom(ranks[i])))])
        {
            LeftOut = fineTuned.DifferingBeside(sites),
        };
    }

    private static void RequireLowRankAlone(LoraConfig config)
    {
        Require(config.UseDora is not true, nameof(LoraConfig.UseDora));
        Require(config.LoraBias is not true, nameof(LoraConfig.LoraBias));
        Require(config.Bias == TrainedBiases.None, nameof(LoraConfig.Bias));
        Require(config.ModulesToSave is null or [], nameof(LoraConfig.ModulesToSave));
        Require(config is { TrainableTokenIndices: null, TrainableTokenIndicesByModule: null }, nameof(LoraConfig.TrainableTokenIndices));

        static void Require(bool isLeftOut, string option)
        {
            if (!isLeftOut)
            {
                throw new LoraException($"Extract: {option}: expected a config without it, found one with, but what is extracted is A and B alone; what else differs is named in {nameof(DerivedAdapter<>.LeftOut)}.");
            }
        }
    }

    // Only to see what the config targets: rank 1 costs next to nothing, and the global generator is not to move.
    private static TAdapter Template<TAdapter>(ILoraModel<TAdapter> model, LoraConfig? config)
        where TAdapter : LoraAdapter
    {
        using var generator = new Generator(0, CPU);
        var plain = (config ?? new LoraConfig()) with
        {
            Rank = 1,
            UseDora = false,
            LoraBias = false,
            Bias = TrainedBiases.None,
            TrainableTokenIndices = null,
            TrainableTokenIndicesByModule = null,
            Init = LoraInit.Kaiming,
            PissaIterations = null,
            LoftqBits = null,
            LoftqIterations = null,
            ModulesToSave = [],
            RankPattern = new Dictionary<string, int>(),
        };
        return model.CreateAdapter(plain, generator);
    }
}
