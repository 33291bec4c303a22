using System.Text.RegularExpressions;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>Adapters that begin with what a model computes on a sample.</summary>
public static class LoraActivations
{
    /// <summary>
    /// EVA: makes an adapter whose A has the directions in which each projection's inputs vary most, and whose B is zero, so that its output is the
    /// base's to the last bit (PEFT: <c>init_lora_weights="eva"</c>; arXiv 2410.07170). The ranks of all projections are shared out anew
    /// by how much of the variance they explain; one that gets none is not adapted.
    /// <code>
    /// var (adapter, targets) = model.CreateAdapterFromActivations(batches, batch => model.call(batch));
    /// </code>
    /// </summary>
    /// <remarks>
    /// The base runs in evaluation mode and without gradients; each module then has its mode back. Of the inputs, no more is kept than twice the
    /// wanted directions of one batch and the directions found so far; projections that are called with one and the same
    /// tensor, as q, k and v are, share them. The directions are those about the inputs' mean, as PEFT's are. The batches are gone through
    /// once, or less where all directions are found before: see <see cref="EvaTarget.IsConverged"/>. To go on for longer, give more of them, or
    /// the same ones again.
    /// </remarks>
    /// <param name="model">The base, without an active adapter.</param>
    /// <param name="batches">The sample. What a batch holds is the caller's to dispose.</param>
    /// <param name="forward">Calls the model with a batch. What it makes is disposed after the call.</param>
    /// <param name="config">Overrides the attributes, with <see cref="LoraConfig.Init"/> null or <see cref="LoraInit.Eva"/>; null takes them as they are.</param>
    /// <param name="options">PEFT's <c>EvaConfig</c>; null takes the defaults.</param>
    /// <param name="mask">
    /// Which vectors of a batch count, such as those of no padding and with a label: a Bool with all axes of each projection's input but the last (PEFT:
    /// <c>use_label_mask</c>). Null takes all. Disposed after the call.
    /// </param>
    /// <param name="generator">Source of the random values; null takes torch's global generator.</param>
    /// <param name="progress">Told after each batch.</param>
    /// <param name="cancellation">Looked at before each batch.</param>
    /// <exception cref="LoraException">
    /// An option is out of its range, an embedding, slices or another kind of projection that has no such start would be adapted, a rank is above
    /// its projection's inputs, an adapter is active, the batches call a projection never or with too few vectors for its ranks, activations are
    /// not finite, or as <see cref="ILoraModel{TAdapter}.CreateAdapter"/>.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static EvaStart<TAdapter> CreateAdapterFromActivations<TAdapter, TBatch>(
        this ILoraModel<TAdapter> model,
        IEnumerable<TBatch> batches,
        Action<TBatch> forward,
        LoraConfig? config = null,
        EvaOptions? options = null,
        Func<TBatch, Tensor>? mask = null,
        Generator? generator = null,
        IProgress<EvaProgress>? progress = null,
        CancellationToken cancellation = default)
        where TAdapter : LoraAdapter
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(batches);
        ArgumentNullException.ThrowIfNull(forward);
        (config, options) = (config ?? new LoraConfig(), options ?? new EvaOptions());
        options.RequireRanges();
        if (model.ActiveAdapter is not null)
        {
            throw new LoraException($"{nameof(CreateAdapterFromActivations)}: expected the base alone, found an active adapter. Set ActiveAdapter to null first.");
        }

        using var scope = NewDisposeScope();
        using var inference = no_grad();
        using var template = Template(model, config);
        var targets = Targets(model, template, options.Rho);
        using var collector = new ActivationCollector(targets, options.Tau, generator);
        using (new EvaluationMode((nn.Module)model))
        {
            var seen = 0;
            foreach (var batch in batches)
            {
                cancellation.ThrowIfCancellationRequested();
                using var masked = NewDisposeScope();
                collector.Collect(() => forward(batch), mask?.Invoke(batch));
                if (targets.All(target => target.Spectrum.Rows > 0))
                {
                    TargetActivations.Distribute(targets);
                }

                progress?.Report(new EvaProgress(++seen, targets.Count(target => target.IsConverged), targets.Count));
                if (targets.All(target => target.IsConverged))
                {
                    break;
                }
            }
        }

        RequireEnough(targets);
        var adapter = Adapter(model, config, options, targets, generator);
        return new EvaStart<TAdapter>(
            adapter,
            [.. targets.Select(target => new EvaTarget(target.Site.Path, target.Rank, target.Spectrum.Shares.Take(target.Rank).Sum(), target.Spectrum.Rows, target.IsConverged))]);
    }

    // What is adapted, by the config; everything that is wrong with it is said before the first batch.
    private static TAdapter Template<TAdapter>(ILoraModel<TAdapter> model, LoraConfig config)
        where TAdapter : LoraAdapter
    {
        if (config.Init is { } init and not LoraInit.Eva)
        {
            throw new LoraException($"{nameof(LoraConfig)}: {nameof(LoraConfig.Init)}: expected nothing or {nameof(LoraInit.Eva)} for {nameof(CreateAdapterFromActivations)}, found {init}. Call CreateAdapter for it.");
        }

        using var generator = new Generator(0, CPU);
        return model.CreateAdapter(config with { Init = LoraInit.Kaiming }, generator);
    }

    private static IReadOnlyList<TargetActivations> Targets<TAdapter>(ILoraModel<TAdapter> model, TAdapter template, double rho)
        where TAdapter : LoraAdapter
    {
        var starts = new Dictionary<int, ActivationSpectrum>();
        return [.. LoraSites.Of(model, template).Where(site => site.Update.IsTargeted).Select(Target)];

        TargetActivations Target(LoraSite site)
        {
            var (path, update) = (site.Path, site.Update);
            Require(update.Kind.IsLinear && update.Slices is null, path, $"expected a projection of vectors as a whole, which {nameof(LoraInit)}.{nameof(LoraInit.Eva)} is for, found {(update.Slices is null ? site.Projection.GetType().Name : "slices")}. Leave it out with {nameof(LoraConfig.ExcludeModules)}");
            Require(update.Scale.Rank <= update.A.shape[1], path, $"rank: expected at most {update.A.shape[1]}, the length of the inputs, found {update.Scale.Rank}");
            var limit = (int)Math.Min(Math.Round(update.Scale.Rank * rho), update.A.shape[1]);
            return new TargetActivations(site, starts.TryGetValue(limit, out var start) ? start : starts[limit] = new ActivationSpectrum(limit));
        }
    }

    private static void RequireEnough(IReadOnlyList<TargetActivations> targets)
    {
        foreach (var target in targets)
        {
            Require(target.Spectrum.Rows > 0, target.Site.Path, "expected a call with vectors that count, found none in these batches. forward must call the model; leave out what it does not reach with ExcludeModules");
        }

        var (wanted, found) = (TargetActivations.Budget(targets), targets.Sum(target => target.Spectrum.Shares.Count));
        Require(wanted <= found, nameof(CreateAdapterFromActivations), $"expected vectors for {wanted} directions, the ranks of all projections together, found {found}. Give more batches");
        foreach (var target in targets)
        {
            Require(target.Spectrum.Shares.Any(share => share > 0), target.Site.Path, $"expected inputs that vary, found {target.Spectrum.Rows} vectors that are all the same, so that no direction is better than another. Give other batches, or leave it out with ExcludeModules");
        }
    }

    private static void Require(bool holds, string place, string problem)
    {
        if (!holds)
        {
            throw new LoraException($"{place}: {problem}.");
        }
    }

    private static TAdapter Adapter<TAdapter>(ILoraModel<TAdapter> model, LoraConfig config, EvaOptions options, IReadOnlyList<TargetActivations> targets, Generator? generator)
        where TAdapter : LoraAdapter
    {
        var adapted = targets.Where(target => target.Rank > 0).ToDictionary(target => target.Site.Path, StringComparer.Ordinal);
        var adapter = model.CreateAdapter(ConfigOf(config, options, adapted.Values), generator);
        foreach (var update in adapter.Updates)
        {
            update.A.copy_(adapted[update.Path].Spectrum.Directions(update.Scale.Rank, options.Whiten));
        }

        return adapter;
    }

    // As PEFT writes it: the ranks and alphas that came out, path by path. Paths are regular expressions here, and a component may be named w+.
    private static LoraConfig ConfigOf(LoraConfig config, EvaOptions options, IReadOnlyCollection<TargetActivations> adapted) => config with
    {
        Init = LoraInit.Kaiming,
        RankPattern = adapted.ToDictionary(target => $"^{Regex.Escape(target.Site.Path)}", target => target.Rank),
        AlphaPattern = adapted.ToDictionary(target => $"^{Regex.Escape(target.Site.Path)}", target => AlphaOf(target, options.AdjustScale)),
        TargetModules = null,
        TargetModulesPattern = string.Join('|', adapted.Select(target => Regex.Escape(target.Site.Path))),
        ExcludeModules = null,
        ExcludeModulesPattern = null,
        LayersToTransform = null,
        LayersPattern = null,
    };

    private static double AlphaOf(TargetActivations target, bool keepsScale)
    {
        var scale = target.Scale;
        var share = (double)target.Rank / scale.Rank;
        return keepsScale ? scale.Alpha * (scale.UseRslora ? Math.Sqrt(share) : share) : scale.Alpha;
    }
}
