using System.Text.RegularExpressions;
using TorchSharp;

namespace LoraGen.Transformers.Checkpoints;

/// <summary>A classifier's head is read like everything else, or is made anew where the caller says so; never made because it is not there.</summary>
internal static class ClassifierHead
{
    private const string Advice =
        "Where the checkpoint is of a model without this head, or with one for other classes, pass newLabels: the number of classes of a new head, whose random weights are to be trained.";

    /// <summary>Keys with those of a head.</summary>
    /// <param name="keys">Those of the rest.</param>
    /// <param name="head">Matches the head's weights, in the module and in the file.</param>
    /// <param name="newLabels">Null to read the head.</param>
    /// <param name="initializerRange">Standard deviation of a new head's weights; its biases are zero, as in transformers.</param>
    public static CheckpointKeys WithHead(this CheckpointKeys keys, Regex head, int? newLabels, double initializerRange)
        => newLabels is null
            ? keys with { Head = (head, Advice) }
            : keys with
            {
                New = head,
                Initialize = (key, weight) => _ = key.EndsWith(".bias", StringComparison.Ordinal) ? weight.zero_() : weight.normal_(0, initializerRange),
            };

    /// <summary>The number of classes: the caller's, else the config's.</summary>
    /// <exception cref="LoraException">The caller's is not positive.</exception>
    public static int NumLabels(int? newLabels, int numLabels)
        => newLabels is null or > 0 ? newLabels ?? numLabels : throw new LoraException($"newLabels: expected a positive number of classes, found {newLabels}.");
}
