namespace LoraGen;

/// <summary>What holds for one update, by the config where it says something, else by the attribute.</summary>
/// <param name="Scale">Rank and alpha, of slices those of each.</param>
/// <param name="Dropout">Probability of dropping an input of A.</param>
/// <param name="UseDora">Whether the weight is decomposed into magnitude and direction.</param>
/// <param name="Slices">The slices that are adapted, or null for the whole.</param>
/// <param name="Init">How A and B begin.</param>
internal sealed record UpdateOptions(LoraScale Scale, double Dropout, bool UseDora, FusedSlices? Slices, LoraInit Init)
{
    /// <summary>Whether B has a bias.</summary>
    public bool LoraBias { get; init; }

    /// <summary>How many updates a file has as one.</summary>
    public int Blocks => Slices?.Trained.Count ?? 1;

    /// <summary>Those of a projection, every value in its range.</summary>
    /// <param name="source">What the config is called in messages.</param>
    /// <param name="config">The user's config, or that of a file.</param>
    /// <param name="isStored">Whether it is a file's, in which slices are one update and whose start is over.</param>
    /// <param name="annotation">The attribute.</param>
    /// <param name="rank">The config's rank for this projection, if it has one.</param>
    /// <param name="alpha">The config's alpha for this projection, if it has one.</param>
    /// <exception cref="LoraException">A value is out of its range, or two do not go together.</exception>
    public static UpdateOptions Of(string source, LoraConfig config, bool isStored, Annotation annotation, int? rank, double? alpha)
    {
        var options = new UpdateOptions(
            new LoraScale(rank ?? annotation.Rank, alpha ?? annotation.Alpha, config.UseRslora),
            config.Dropout ?? annotation.Dropout,
            config.UseDora ?? annotation.UseDora,
            annotation.Slices,
            config.Init ?? annotation.Init) { LoraBias = config.LoraBias ?? annotation.LoraBias };
        options.RequireRanges(Require);
        ConvUpdate.RequireOneGroup(annotation.Path, annotation.Projection);
        options.RequireSlices(Require, annotation);
        options.RequireBBias(Require, annotation);
        if (!isStored)
        {
            options.RequireStart(Require, annotation);
            return options;
        }

        Require(options.Scale.Rank % options.Blocks == 0, "rank", $"that is {options.Blocks} times that of a slice", options.Scale.Rank);
        return options with { Scale = options.Scale.Per(options.Blocks) };

        void Require(bool holds, string what, string expected, object found)
        {
            if (!holds)
            {
                throw new LoraException(FormattableString.Invariant($"{source}: {annotation.Path}: {what}: expected a value {expected}, found {found}."));
            }
        }
    }

    private void RequireRanges(Action<bool, string, string, object> require)
    {
        require(Scale.Rank >= 1, "rank", "at least 1", Scale.Rank);
        require(Scale.Alpha > 0 && double.IsFinite(Scale.Alpha), "alpha", "above 0", Scale.Alpha);
        require(Scale.IsFinite, "alpha", $"whose scale is a finite fp32 number at rank {Scale.Rank}", Scale.Alpha);
        require(Dropout is >= 0 and < 1, "dropout", "in [0, 1)", Dropout);
    }

    private void RequireSlices(Action<bool, string, string, object> require, Annotation annotation)
    {
        if (Slices is not null)
        {
            require(annotation.OutSize % Slices.Count == 0, annotation.Kind.Out, $"that {Slices.Count} slices can share", annotation.OutSize);
            require(!UseDora, nameof(UseDora), "false where slices are adapted", UseDora);
        }
    }

    // What PEFT refuses too, and slices, which PEFT does not have.
    private void RequireBBias(Action<bool, string, string, object> require, Annotation annotation)
    {
        require(!LoraBias || annotation.Kind != UpdateKind.Embedding, nameof(LoraBias), "false for an embedding, whose B has no bias", LoraBias);
        require(!LoraBias || !UseDora, nameof(LoraBias), "false with DoRA", LoraBias);
        require(!LoraBias || Slices is null, nameof(LoraBias), "false where slices are adapted", LoraBias);
    }

    private void RequireStart(Action<bool, string, string, object> require, Annotation annotation)
    {
        require(Enum.IsDefined(Init), nameof(Init), $"of {nameof(LoraInit)}", Init);
        require(Initializer.IsForAll(Init) || annotation.Kind.IsLinear, nameof(Init), $"that {annotation.Kind.Noun} can begin with: Kaiming, Gaussian or Random", Init);
        require(Initializer.IsForAll(Init) || Slices is null, nameof(Init), "that slices can begin with: Kaiming, Gaussian or Random", Init);
        require(!LoraBias || Init is LoraInit.Kaiming or LoraInit.Random, nameof(Init), "that a B with a bias can begin with: Kaiming or Random", Init);
        require(Init != LoraInit.Eva, nameof(Init), $"that needs no activations, or a call of {nameof(LoraActivations.CreateAdapterFromActivations)} instead, which takes them", Init);
        require(Init != LoraInit.Orthogonal || Scale.Rank % 2 == 0, "rank", $"that is even for {nameof(LoraInit)}.{Init}", Scale.Rank);
        var most = Math.Min(annotation.InSize, annotation.OutSize);
        require(!Initializer.TakesFromBase(Init) || Scale.Rank <= most, "rank", $"at most {most}, the rank of the weight, for {nameof(LoraInit)}.{Init}", Scale.Rank);
    }
}
