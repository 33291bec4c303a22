namespace LoraGen.Peft;

/// <summary>Options under which a layer does something else than to add <c>scale * B A x</c> to what its base computes.</summary>
internal static class PeftVariants
{
    private static readonly string[] Known =
        ["alora_invocation_tokens", "arrow_config", "kasa_config", "monteclora_config", "use_bdlora", "use_qalora", "velora_config"];

    /// <summary>Those that a config sets, with their values.</summary>
    public static IEnumerable<string> In(PeftCheckpointConfig config)
        => (config.UseDora ? ["use_dora: true"] : Array.Empty<string>())
            .Concat(Known.Where(config.Others.ContainsKey).Select(option => $"{option}: {config.Others[option]}"));
}
