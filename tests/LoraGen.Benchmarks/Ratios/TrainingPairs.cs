using LoraGen.Benchmarks.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Benchmarks.Ratios;

/// <summary>LoRA's training beside full fine-tuning, and its variants' beside LoRA's.</summary>
internal static class TrainingPairs
{
    public static readonly LoraConfig AllLinear = new() { TargetModulesPattern = LoraConfig.AllLinear };

    /// <summary>Forward and backward of one projection, gradient of the input included, as in the middle of a model.</summary>
    public static IEnumerable<Pair> Layer(Device device)
    {
        foreach (var dtype in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            using var setting = new ProjectionSetting(device, dtype, tokens: 1024);
            setting.Input.requires_grad = true;
            yield return new Pair(setting.ForwardBackward("LoRA", setting.Adapted), setting.ForwardBackward("full", setting.Plain), Aim.AtMost(0.80)) { Trains = true };
            yield return new Pair(setting.ForwardBackward("LoRA", setting.Adapted), setting.ForwardBackward("by hand", setting.ByHand), dtype == ScalarType.Float32 ? Aim.AtMost(1.02) : null) { Trains = true };
        }
    }

    /// <summary>Whole steps of GPT-2 small.</summary>
    public static IEnumerable<Pair> Step(Device device)
    {
        using var lora = SmallGpt2.Create(device);
        using (var full = SmallGpt2.Create(device))
        {
            using var ofFull = TrainingRun.Full(full);
            using var ofLora = TrainingRun.Lora(lora);
            using var ofAll = TrainingRun.Lora(lora, AllLinear);
            yield return Steps("LoRA on c_attn", ofLora, "full", ofFull, Aim.AtMost(0.70));
            yield return Steps("LoRA on all four projections", ofAll, "full", ofFull, Aim.AtMost(0.70));
        }

        using var half = SmallGpt2.Create(device, ScalarType.BFloat16);
        using var ofHalf = TrainingRun.Lora(half);
        using var ofWhole = TrainingRun.Lora(lora);
        yield return Steps("LoRA over a bf16 base", ofHalf, "LoRA over an fp32 base", ofWhole);
    }

    /// <summary>DoRA, which finds the norms of the adapted weights at every step.</summary>
    public static IEnumerable<Pair> Dora(Device device)
    {
        using var model = SmallGpt2.Create(device);
        foreach (var (config, name) in new[] { (new LoraConfig(), "c_attn"), (AllLinear, "all four projections") })
        {
            using var lora = TrainingRun.Lora(model, config);
            using var dora = TrainingRun.Lora(model, config with { UseDora = true });
            yield return Steps($"DoRA on {name}", dora, "LoRA", lora, Aim.AtMost(1.30));
        }
    }

    private static Pair Steps(string name, TrainingRun variant, string baselineName, TrainingRun baseline, Aim? aim = null)
        => new(new Work(name, variant.Step), new Work(baselineName, baseline.Step), aim) { Trains = true };
}
