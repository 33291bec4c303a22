using LoraGen.Files;
using static LoraGen.Peft.PeftTensorKind;
using static TorchSharp.torch;

namespace LoraGen.Peft;

/// <summary>Puts the tensors of each adapted layer together and checks that they fit each other and the config.</summary>
internal sealed class PeftUpdates
{
    private readonly string _place;
    private readonly PeftCheckpointConfig _config;
    private readonly bool _isLoralib;
    private readonly ModulePattern<int> _ranks;
    private readonly ModulePattern<double> _alphas;

    /// <param name="configPath">For messages about patterns.</param>
    /// <param name="place">The weights' file, for messages.</param>
    /// <param name="config">The adapter's options.</param>
    /// <param name="isLoralib">Whether nothing but the shapes says what the ranks are.</param>
    public PeftUpdates(string configPath, string place, PeftCheckpointConfig config, bool isLoralib)
    {
        (_place, _config, _isLoralib) = (place, config, isLoralib);
        _ranks = new ModulePattern<int>(configPath, "rank_pattern", config.RankPattern);
        _alphas = new ModulePattern<double>(configPath, "alpha_pattern", config.AlphaPattern);
    }

    /// <summary>Keys of the patterns that have matched no layer of <see cref="Of"/>.</summary>
    public IEnumerable<string> UnmatchedPatterns => [.. _ranks.Unmatched, .. _alphas.Unmatched];

    /// <summary>One update for each layer that has low-rank tensors, in ordinal order of the paths.</summary>
    /// <exception cref="LoraException">One lacks its other half, or has a shape or dtype that cannot be.</exception>
    public IReadOnlyList<PeftUpdate> Of(IEnumerable<PeftTensor> tensors) =>
    [
        .. tensors.Where(tensor => tensor.Kind is A or B or BBias or EmbeddingA or EmbeddingB or Magnitude)
            .GroupBy(tensor => tensor.Path, StringComparer.Ordinal)
            .OrderBy(layer => layer.Key, StringComparer.Ordinal)
            .Select(layer => Update(layer.Key, layer.ToDictionary(tensor => tensor.Kind))),
    ];

    private PeftUpdate Update(string path, Dictionary<PeftTensorKind, PeftTensor> tensors)
    {
        foreach (var tensor in tensors.Values)
        {
            RequireValues(tensor);
        }

        var (a, b) = Pair(tensors);
        var rank = _isLoralib ? RankOf(b) : _ranks.Find(path) ?? _config.Rank;
        var blocks = BlocksOf(a, rank);
        RequireFactors(a, b, rank, blocks);
        var update = new PeftUpdate(
            path, a, b, tensors.GetValueOrDefault(BBias), tensors.GetValueOrDefault(Magnitude), rank, _alphas.Find(path) ?? _config.Alpha, Scale: 0, blocks);
        RequireOutputs(update.Bias, b.Shape[0]);
        RequireOutputs(update.Magnitude, b.Shape[0]);
        return update with { Scale = update.Alpha / (_config.UseRslora ? Math.Sqrt(rank) : rank) };
    }

    private (PeftTensor A, PeftTensor B) Pair(Dictionary<PeftTensorKind, PeftTensor> tensors)
    {
        var (linear, embedding) = ((tensors.GetValueOrDefault(A), tensors.GetValueOrDefault(B)), (tensors.GetValueOrDefault(EmbeddingA), tensors.GetValueOrDefault(EmbeddingB)));
        return (linear, embedding) switch
        {
            (({ } a, { } b), (null, null)) => (a, b),
            ((null, null), ({ } a, { } b)) => (a, b),
            _ => throw Bad(tensors.Values.First(), "both A and B of its layer, and one of each", $"only [{Excerpt.Of([.. tensors.Values.Select(tensor => tensor.Name)])}]"),
        };
    }

    private void RequireValues(PeftTensor tensor)
    {
        if (tensor.Shape.Contains(0))
        {
            throw Bad(tensor, "values", $"shape [{string.Join(", ", tensor.Shape)}]: it was saved while its values lay on other devices (DeepSpeed ZeRO-3). Gather them and save again");
        }

        if (tensor.Dtype is not (ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float32 or ScalarType.Float64))
        {
            throw Bad(tensor, "F16, BF16, F32 or F64", $"{tensor.Dtype}");
        }
    }

    // loralib stores no rank; B has it, also where A has that of several slices.
    private int RankOf(PeftTensor b)
        => b.Shape is [_, > 0 and <= int.MaxValue and var rank] ? (int)rank : throw Bad(b, "shape [out, r]", $"[{string.Join(", ", b.Shape)}]");

    // A fused layer of which several slices are adapted has all their A's, one below the other.
    private int BlocksOf(PeftTensor a, int rank)
    {
        var enabled = _config.EnableLora?.Count(slice => slice);
        return enabled is { } slices && a.Shape[0] == (long)slices * rank ? slices
            : _isLoralib && a.Shape[0] % rank == 0 && a.Shape[0] / rank <= int.MaxValue ? (int)(a.Shape[0] / rank)
            : 1;
    }

    private void RequireFactors(PeftTensor a, PeftTensor b, int rank, int blocks)
    {
        // A convolution's B is one of 1 by 1; so was MergedLinear's in old versions of PEFT.
        var isConvolution = a.Shape.Count is >= 3 and <= 5;
        if (!(a.Shape.Count == 2 || (isConvolution && a.Kind == A)) || a.Shape[0] != (long)rank * blocks)
        {
            throw Bad(a, $"shape [{(long)rank * blocks}, in], since the rank is {rank}", $"[{string.Join(", ", a.Shape)}]");
        }

        if (isConvolution && b.Shape.Count == a.Shape.Count && b.Shape[1] < rank && rank % b.Shape[1] == 0)
        {
            throw Bad(b, "a convolution of one group", $"one of {rank / b.Shape[1]}, whose A takes in the channels of all groups: its update is no change of the weight");
        }

        var ones = b.Shape.Skip(2).ToList();
        if (b.Shape.Count < 2 || b.Shape[1] != rank || ones.Any(size => size != 1) || ones.Count != (isConvolution ? a.Shape.Count - 2 : blocks > 1 ? ones.Count : 0)
            || b.Shape[0] % blocks != 0)
        {
            throw Bad(b, $"shape [{(blocks > 1 ? $"{blocks} * slice" : "out")}, {rank}], since the rank is {rank} and A is [{string.Join(", ", a.Shape)}]", $"[{string.Join(", ", b.Shape)}]");
        }
    }

    private void RequireOutputs(PeftTensor? tensor, long outputs)
    {
        if (tensor is not null && tensor.Elements != outputs)
        {
            throw Bad(tensor, $"{outputs} values, as many as B has rows", $"[{string.Join(", ", tensor.Shape)}]");
        }
    }

    private LoraException Bad(PeftTensor tensor, string expected, string found) => new($"{_place}: {Excerpt.Of(tensor.Key)}: expected {expected}, found {found}.");
}
