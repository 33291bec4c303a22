namespace LoraGen;

/// <summary>
/// Which of the annotated projections are adapted, by PEFT's rules of <c>target_modules</c>, <c>exclude_modules</c>,
/// <c>layers_to_transform</c> and <c>layers_pattern</c>; without a config's word, those that the attributes adapt by default.
/// </summary>
internal sealed class ModuleSelection
{
    private readonly bool _isAllLinear;
    private readonly ModuleNames _targets;
    private readonly ModuleNames _excluded;
    private readonly LayerSelection _layers;

    /// <exception cref="LoraException">The options contradict each other, or a pattern is none.</exception>
    public ModuleSelection(string source, LoraConfig config)
    {
        RequireOne(nameof(LoraConfig.TargetModules), config.TargetModules, nameof(LoraConfig.TargetModulesPattern), config.TargetModulesPattern);
        RequireOne(nameof(LoraConfig.ExcludeModules), config.ExcludeModules, nameof(LoraConfig.ExcludeModulesPattern), config.ExcludeModulesPattern);
        if (config is { LayersToTransform: not null, TargetModulesPattern: not null })
        {
            throw new LoraException($"{source}: {nameof(LoraConfig.LayersToTransform)}: expected {nameof(LoraConfig.TargetModules)} beside it or nothing, found {nameof(LoraConfig.TargetModulesPattern)}, which can name the layers itself.");
        }

        if (config is { LayersPattern: not null, LayersToTransform: null })
        {
            throw new LoraException($"{source}: {nameof(LoraConfig.LayersPattern)}: expected {nameof(LoraConfig.LayersToTransform)} beside it, found none, so that it would mean nothing.");
        }

        _isAllLinear = string.Equals(config.TargetModulesPattern, LoraConfig.AllLinear, StringComparison.OrdinalIgnoreCase);
        _targets = new ModuleNames(source, nameof(LoraConfig.TargetModules), config.TargetModules, _isAllLinear ? null : config.TargetModulesPattern);
        _excluded = new ModuleNames(source, nameof(LoraConfig.ExcludeModules), config.ExcludeModules, config.ExcludeModulesPattern);
        _layers = new LayerSelection(source, config);

        void RequireOne(string list, object? names, string single, object? pattern)
        {
            if (names is not null && pattern is not null)
            {
                throw new LoraException($"{source}: expected {list} or {single}, found both.");
            }
        }
    }

    /// <summary>Entries of the options that have matched no projection.</summary>
    public IEnumerable<string> Unmatched => _targets.Unmatched.Concat(_excluded.Unmatched).Concat(_layers.Unmatched);

    /// <summary>Whether a projection is to be adapted.</summary>
    public bool Contains(Annotation projection)
    {
        var (isTarget, isExcluded) = (IsTarget(projection), _excluded.Contains(projection.Path));
        return isTarget && !isExcluded && (_targets.ContainsWhole(projection.Path) || _layers.Contains(projection.Path));
    }

    private bool IsTarget(Annotation projection)
    {
        if (_isAllLinear)
        {
            return projection.Kind.IsLinear && !projection.OutputHead;
        }

        return _targets.IsGiven ? _targets.Contains(projection.Path) : projection.ByDefault;
    }
}
