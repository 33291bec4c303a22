using LoraGen.Merging;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>Bases that are quantised, and adapters that make up for it.</summary>
public static class LoraQuantization
{
    /// <summary>
    /// LoftQ as PEFT does it (arXiv 2310.08659; PEFT: <c>init_lora_weights="loftq"</c>): writes Q, the numbers that the quantised weight stands for,
    /// into each adapted weight of the base, and makes the plain adapter of rank r that belongs to it. The base keeps its dtype: quantise
    /// what its <c>state_dict</c> has now to NF2, NF4 or NF8 in blocks of 64 along the rows of [out, in], and nothing more is lost.
    /// </summary>
    /// <remarks>Of all methods here this one alone changes a base for good. To leave it as it is, begin with <see cref="LoraInit.Loftq"/>.</remarks>
    /// <param name="model">The base, without an active or merged adapter.</param>
    /// <param name="config">Overrides the attributes, with <see cref="LoraConfig.Init"/> null or <see cref="LoraInit.Loftq"/>; null takes them as they are.</param>
    /// <returns>
    /// The adapter and, for each projection, <see cref="DerivedError.Norm"/> ||W - Q|| and what of it is still lost with the adapter,
    /// ||W - (Q + s B A)||.
    /// </returns>
    /// <exception cref="LoraException">As <see cref="ILoraModel{TAdapter}.CreateAdapter"/> with this start, an adapter is active, or a weight is another's too; the base is then untouched.</exception>
    public static DerivedAdapter<TAdapter> QuantizeAndCreateAdapter<TAdapter>(this ILoraModel<TAdapter> model, LoraConfig? config = null)
        where TAdapter : LoraAdapter
    {
        ArgumentNullException.ThrowIfNull(model);
        config ??= new LoraConfig();
        if (config.Init is { } init and not LoraInit.Loftq)
        {
            throw new LoraException($"{nameof(LoraConfig)}: {nameof(LoraConfig.Init)}: expected nothing or {nameof(LoraInit.Loftq)} for {nameof(QuantizeAndCreateAdapter)}, found {init}. Call CreateAdapter for it.");
        }

        if (model.ActiveAdapter is not null)
        {
            throw new LoraException($"{nameof(QuantizeAndCreateAdapter)}: expected the base alone, found an active adapter, which belongs to the base as it is. Set ActiveAdapter to null first.");
        }

        using var scope = NewDisposeScope();
        using var inference = no_grad();
        using var start = model.CreateAdapter(config with { Init = LoraInit.Loftq });
        TiedWeights.RequireNone((nn.Module)model, LoraSites.Of(model, start));
        var errors = LoraSites.Of(model, start).Where(site => site.Update.IsTargeted).Select(site => Quantize(site, config)).ToList();

        // Made only now, for the base that it belongs to.
        using var generator = new Generator(0, CPU);
        var adapter = model.CreateAdapter(config with { Init = LoraInit.Kaiming, LoftqBits = null, LoftqIterations = null }, generator);
        foreach (var (site, begun) in LoraSites.Of(model, adapter).Where(site => site.Update.IsTargeted).Zip(start.Updates))
        {
            site.Update.A.copy_(begun.A);
            site.Update.B.copy_(begun.B);
            site.Update.InitialiseMagnitude(site.Projection);
        }

        return new DerivedAdapter<TAdapter>(adapter, errors);
    }

    private static DerivedError Quantize(LoraSite site, LoraConfig config)
    {
        using var scope = NewDisposeScope();
        var (stored, update) = (ProjectionWeight.Of(site.Projection), site.Update);
        var rows = update.Kind.IsTransposed ? stored.t() : stored;
        var weight = Loftq.Wide(rows).clone();
        rows.copy_(Loftq.Quantized(weight, update.Scale, config.LoftqBits ?? Loftq.DefaultBits, config.LoftqIterations ?? Loftq.DefaultIterations));
        var lost = weight - rows;
        return new DerivedError(
            site.Path, update.Scale.Rank, Norm(lost), Norm(lost - update.B.to_type(lost.dtype).mm(update.A.to_type(lost.dtype)).mul_(update.Scale.Factor)));

        static double Norm(Tensor matrix) => matrix.to_type(ScalarType.Float64).norm().item<double>();
    }
}
