using LoraGen.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Peft;

/// <summary>Measures an adapter.</summary>
internal static class PeftInspector
{
    public static PeftInspection Inspect(PeftCheckpoint checkpoint)
    {
        using var inference = no_grad();
        IReadOnlyList<PeftUpdateInspection> updates = [.. checkpoint.Updates.Select(update => Measure(update, checkpoint.File))];
        var ofUpdates = checkpoint.Updates
            .SelectMany(update => new[] { update.A, update.B, update.Bias, update.Magnitude })
            .Where(tensor => tensor is not null)
            .Select(tensor => tensor!.Key)
            .ToHashSet(StringComparer.Ordinal);
        IReadOnlyList<PeftTensor> saved = [.. checkpoint.Tensors.Where(tensor => !ofUpdates.Contains(tensor.Key))];
        var notFinite = saved.Where(tensor => !IsFinite(checkpoint.Read(tensor))).ToList();

        return new PeftInspection
        {
            WeightsPath = checkpoint.WeightsPath,
            Config = checkpoint.Config,
            Updates = updates,
            Saved = saved,
            Parameters = checkpoint.Updates.Sum(update => update.Parameters),
            SavedParameters = saved.Sum(tensor => tensor.Elements),
            Norm = Math.Sqrt(updates.Sum(update => update.Norm * update.Norm)),
            IsNoOp = updates.All(update => update.IsZero && update.Update.Magnitude is null) && saved.All(tensor => tensor.Kind == PeftTensorKind.Original),
            Oddities = [.. PeftOddities.Of(checkpoint, updates, saved, notFinite)],
        };
    }

    private static PeftUpdateInspection Measure(PeftUpdate update, ITensorFile file)
    {
        using var scope = NewDisposeScope();
        var (a, b) = PeftFactors.Compact(update, file);
        (a, b) = (a.to_type(ScalarType.Float64), b.to_type(ScalarType.Float64));
        var (normA, normB) = (Frobenius(a), Frobenius(b));
        var isFinite = double.IsFinite(normA) && double.IsFinite(normB);
        var hasBias = update.Bias is { } bias && file.Read(bias.Key).count_nonzero().item<long>() > 0;
        return new PeftUpdateInspection(
            update, normA, normB, isFinite ? Math.Abs(update.Scale) * NormOfProduct(a, b) : double.NaN, IsZero: (normA == 0 || normB == 0) && isFinite && !hasBias);
    }

    // With B = Q R and A' = Q' R', |B A| = |R R''|: r by r numbers instead of out by in, and no squares to cancel as in the trace of
    // (A A')(B' B), which gives the same.
    private static double NormOfProduct(Tensor a, Tensor b)
    {
        var (_, ofB) = linalg.qr(b);
        var (_, ofA) = linalg.qr(a.t());
        return Frobenius(ofB.matmul(ofA.t()));
    }

    // Scaled, since a square may be beyond fp64 where the norm is not.
    private static double Frobenius(Tensor matrix)
    {
        var largest = matrix.abs().max().item<double>();
        return largest == 0 || !double.IsFinite(largest) ? largest : largest * (matrix / largest).square().sum().sqrt().item<double>();
    }

    private static bool IsFinite(Tensor tensor)
    {
        using (tensor)
        {
            using var finite = tensor.isfinite();
            using var all = finite.all();
            return all.item<bool>();
        }
    }
}
