using LoraGen.Merging;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>What merging an adapter would do to each weight, and how much of it the base's dtype can hold.</summary>
/// <param name="Targets">One for each weight and each bias that a merge writes, in the order of the model's source.</param>
public sealed record MergeReport(IReadOnlyList<MergeReportEntry> Targets)
{
    /// <summary>
    /// Computes every merged weight and bias as <see cref="ILoraModel{TAdapter}.Merge"/> would, and writes none.
    /// </summary>
    /// <param name="model">The base, with nothing merged into it.</param>
    /// <param name="adapter">Of several at once, make one first with <see cref="LoraCombining.Combine"/> and <see cref="CombineMethod.Cat"/>.</param>
    /// <exception cref="LoraException">The adapter does not fit the model, a weight carries an adapter already, or B has a bias and the base none.</exception>
    public static MergeReport Of<TAdapter>(ILoraModel<TAdapter> model, TAdapter adapter)
        where TAdapter : LoraAdapter
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(adapter);
        adapter.RequireOwn(nameof(MergeReport));
        var sites = LoraSites.Of(model, adapter);
        foreach (var site in sites)
        {
            site.RequireAttachable();
            MergedWeights.RequireBiasToWrite(site);
        }

        return new MergeReport([.. sites.Where(site => site.Update.HasEffect).SelectMany(site => MergedWeights.Names(site).Select(name => EntryOf(site, name)))]);
    }

    private static MergeReportEntry EntryOf(LoraSite site, string name)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var isBias = name == ProjectionWeight.BiasName;
        var before = site.Projection.get_parameter(name)!.to_type(ScalarType.Float64);
        var delta = (isBias ? site.Update.MergedBias(site.Projection, ScalarType.Float64) : site.Update.Merged(site.Projection, ScalarType.Float64)) - before;
        var written = MergedWeights.Value(site, name).to_type(ScalarType.Float64) - before;
        var norm = Norm(delta);
        return new MergeReportEntry(
            isBias ? $"{site.Path}.{name}" : site.Path,
            Share(norm, Norm(before)),
            delta.abs().max().item<double>(),
            Share(Norm(written - delta), norm),
            Share((delta.ne(0) & written.eq(0)).sum().item<long>(), delta.count_nonzero().item<long>()));

        static double Norm(Tensor tensor) => tensor.norm().item<double>();
        static double Share(double part, double whole) => part == 0 ? 0 : part / whole;
    }
}
