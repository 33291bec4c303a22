using System.Text.RegularExpressions;
using LoraGen.Files;
using static LoraGen.Peft.PeftTensorKind;

namespace LoraGen.Peft;

/// <summary>What is unusual about an adapter: each finding is one sentence.</summary>
internal static partial class PeftOddities
{
    private static readonly string[] InitsThatChangeTheBase = ["pissa", "olora", "loftq", "corda", "lora_ga"];

    public static IEnumerable<string> Of(
        PeftCheckpoint checkpoint, IReadOnlyList<PeftUpdateInspection> updates, IReadOnlyList<PeftTensor> saved, IReadOnlyList<PeftTensor> savedNotFinite) =>
    [
        .. OfTargets(checkpoint),
        .. OfSaved(checkpoint, saved),
        .. OfValues(updates, savedNotFinite),
        .. OfLayout(checkpoint),
        .. OfOptions(checkpoint),
        .. OfKeys(checkpoint),
    ];

    private static IEnumerable<string> OfTargets(PeftCheckpoint checkpoint)
    {
        var (config, updates) = (checkpoint.Config, checkpoint.Updates);
        if (updates.Count == 0)
        {
            yield return "The file has no low-rank tensors.";
        }

        foreach (var repeated in Repeated(config.TargetModules))
        {
            yield return $"target_modules lists {repeated} more than once.";
        }

        foreach (var target in (config.TargetModules ?? []).Distinct().Where(target => !updates.Any(update => ModuleNames.IsEndOf(update.Path, target))))
        {
            yield return $"target_modules lists {Excerpt.Of(target)}, and the file has no low-rank tensors for it.";
        }

        if (PathsOutside(config, updates) is [_, ..] outside)
        {
            yield return $"The file has low-rank tensors of layers that target_modules does not name, and PEFT would pass over them: {Excerpt.Of(outside)}.";
        }

        foreach (var pattern in checkpoint.UnmatchedPatterns)
        {
            yield return $"{Excerpt.Of(pattern)} matches no adapted layer.";
        }
    }

    private static IReadOnlyList<string> PathsOutside(PeftCheckpointConfig config, IReadOnlyList<PeftUpdate> updates)
    {
        if (config.TargetModules is { } names)
        {
            return [.. updates.Select(update => update.Path).Where(path => !names.Any(name => ModuleNames.IsEndOf(path, name)))];
        }

        if (config.TargetModulesPattern is { } text and not "all-linear")
        {
            var pattern = new ModulePattern(PeftKeys.ConfigFile, "target_modules", $@"\A(?:{text})\z");
            return [.. updates.Select(update => update.Path).Where(path => !pattern.Matches(path))];
        }

        return [];
    }

    private static IEnumerable<string> OfSaved(PeftCheckpoint checkpoint, IReadOnlyList<PeftTensor> saved)
    {
        var names = checkpoint.Config.ModulesToSave ?? [];
        foreach (var repeated in Repeated(names))
        {
            yield return $"modules_to_save lists {repeated} more than once.";
        }

        foreach (var name in names.Distinct().Where(name => !saved.Any(tensor => Holds(tensor.Path, name))))
        {
            yield return $"modules_to_save lists {Excerpt.Of(name)}, and the file has no tensor of it.";
        }

        if (checkpoint.IsLoralib)
        {
            yield break;
        }

        var unlisted = saved.Where(tensor => tensor.Kind == Saved && !names.Any(name => Holds(tensor.Path, name)) && !(checkpoint.Config.Bias != "none" && tensor.Name == "bias"));
        if (unlisted.Select(tensor => tensor.Path).Distinct().ToList() is [_, ..] paths)
        {
            yield return $"The file has whole tensors of modules that modules_to_save does not list: {Excerpt.Of(paths)}.";
        }
    }

    private static IEnumerable<string> OfValues(IReadOnlyList<PeftUpdateInspection> updates, IReadOnlyList<PeftTensor> savedNotFinite)
    {
        var (noA, noB) = (updates.Count(update => update.NormA == 0), updates.Count(update => update.NormB == 0));
        if (noB > 0)
        {
            yield return $"B is zero in {CountOf(noB, updates.Count)}: there the adapter does nothing.";
        }

        if (noA > 0)
        {
            yield return $"A is zero in {CountOf(noA, updates.Count)}: there the adapter does nothing.";
        }

        IReadOnlyList<string> notFinite =
            [.. updates.Where(update => double.IsNaN(update.Norm)).Select(update => update.Update.Path), .. savedNotFinite.Select(tensor => tensor.Key)];
        if (notFinite.Count > 0)
        {
            yield return $"Not all values are finite: {Excerpt.Of(notFinite)}.";
        }

        if (updates.Any(update => update.Update.Scale == 0))
        {
            yield return "The scale is 0: there the adapter does nothing.";
        }
    }

    // Only GPT-2's family has transposed weights, and only its layers of these names. A's width and B's height do not say how a weight lies.
    private static IEnumerable<string> OfLayout(PeftCheckpoint checkpoint)
    {
        if (checkpoint.IsLoralib || checkpoint.Updates.Count == 0)
        {
            yield break;
        }

        var transposed = checkpoint.Updates.Where(IsConv1D).Select(update => update.Path).ToList();
        if (checkpoint.Config.FanInFanOut && transposed.Count == 0)
        {
            yield return "fan_in_fan_out is true, and no adapted layer has the name of one whose weight is stored [in, out], as GPT-2's are.";
        }

        if (!checkpoint.Config.FanInFanOut && transposed.Count > 0)
        {
            yield return $"fan_in_fan_out is false, and the weights of GPT-2's layers are stored [in, out]: {Excerpt.Of(transposed)}.";
        }
    }

    private static bool IsConv1D(PeftUpdate update) => Conv1D().IsMatch(update.Path)
        && (!update.Path.EndsWith("c_attn", StringComparison.Ordinal) || update.Blocks > 1 || update.B.Shape[0] == 3 * update.A.Shape[1]);

    private static IEnumerable<string> OfOptions(PeftCheckpoint checkpoint)
    {
        var config = checkpoint.Config;
        foreach (var variant in PeftVariants.In(config))
        {
            yield return $"The adapted layers do not only add scale * B A x ({Excerpt.Of(variant)}).";
        }

        if (checkpoint.Updates.Any(update => update.Magnitude is not null) != config.UseDora)
        {
            yield return config.UseDora ? "use_dora is true, and the file has no magnitudes." : "use_dora is false, and the file has magnitudes.";
        }

        if (InitsThatChangeTheBase.FirstOrDefault(init => config.InitLoraWeights.StartsWith($"\"{init}", StringComparison.Ordinal)) is not null)
        {
            yield return $"init_lora_weights is {Excerpt.Of(config.InitLoraWeights)}: the adapter belongs to a base that was changed when training began.";
        }

        if (config.Bias != "none")
        {
            yield return $"bias is {config.Bias}: biases of the base were trained too, and taking the adapter away does not bring the old ones back.";
        }

        if (config.Bias != "none" && !checkpoint.Tensors.Any(tensor => tensor is { Name: "bias" or "base_layer.bias", Kind: not Original }))
        {
            yield return $"bias is {config.Bias}, and the file has no bias: PEFT dropped those that lora_only trained for years, and the base's take their place.";
        }

        if (checkpoint.Updates.Count(update => update.Blocks > 1) is > 0 and var merged)
        {
            yield return $"{CountOf(merged, checkpoint.Updates.Count)} adapt slices of a fused layer, as loralib's MergedLinear does"
                + (config.EnableLora is null ? ", and nothing says which slices." : ".");
        }
    }

    private static IEnumerable<string> OfKeys(PeftCheckpoint checkpoint)
    {
        if (checkpoint.IsLoralib)
        {
            yield break;
        }

        if (checkpoint.Tensors.Count(tensor => !tensor.Key.StartsWith(PeftKeyParser.Prefix, StringComparison.Ordinal)) is > 0 and var bare)
        {
            yield return $"{bare} of {checkpoint.Tensors.Count} keys do not begin with {PeftKeyParser.Prefix}, and PEFT would pass over their tensors.";
        }

        if (checkpoint.Tensors.Count(tensor => tensor.Kind == Original) is > 0 and var originals)
        {
            yield return $"The base's own values of {originals} saved tensors are in the file too (original_module).";
        }

        if (checkpoint.Tensors.FirstOrDefault(HasAnotherName) is { } other)
        {
            yield return $"Keys are not those that PEFT writes today, such as {Excerpt.Of(other.Key)}: they hold the adapter's name, or come from a raw state dict.";
        }
    }

    private static bool HasAnotherName(PeftTensor tensor)
        => tensor.Kind != Original && !tensor.Key.EndsWith(tensor.Path.Length == 0 ? tensor.Name : $"{tensor.Path}.{tensor.Name}", StringComparison.Ordinal);

    private static string CountOf(int some, int all) => some == all ? $"all {all} updates" : $"{some} of {all} updates";

    private static IEnumerable<string> Repeated(IReadOnlyList<string>? names)
        => (names ?? []).GroupBy(name => name, StringComparer.Ordinal).Where(group => group.Count() > 1).Select(group => Excerpt.Of(group.Key));

    private static bool Holds(string path, string name) => $".{path}.".Contains($".{name}.", StringComparison.Ordinal);

    [GeneratedRegex(@"(^|\.)h\.\d+\.(attn\.(c_attn|q_attn|c_proj)|crossattention\.(c_attn|q_attn|c_proj)|mlp\.(c_fc|c_proj))$")]
    private static partial Regex Conv1D();
}
