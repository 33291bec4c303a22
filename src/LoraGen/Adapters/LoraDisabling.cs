namespace LoraGen;

/// <summary>The base alone, for a while.</summary>
public static class LoraDisabling
{
    /// <summary>
    /// Makes a model compute as its base, bit for bit, until what is returned is disposed (PEFT: <c>disable_adapter</c>):
    /// <code>using (model.DisableAdapter()) { ... }</code>
    /// The end of the scope puts back what its beginning found, whatever was done in between and also after an exception: each part of the model has the
    /// adapter that it had, what was merged in between is unmerged, and weights that carried an adapter carry it again, bit for bit. That adapter stays
    /// the model's <see cref="ILoraModel{TAdapter}.MergedAdapter"/> meanwhile, and neither <see cref="ILoraModel{TAdapter}.Unmerge"/> nor another adapter is
    /// accepted; over merged weights a scope takes memory for a copy of them. Scopes nest, the inner one ending first.
    /// </summary>
    /// <param name="model">The model, or a part of one. A merge that was made through a larger model is taken out of all of that.</param>
    /// <exception cref="LoraException">A weight carries an adapter that was merged through another model that shares it; nothing has changed then.</exception>
    public static IDisposable DisableAdapter<TAdapter>(this ILoraModel<TAdapter> model)
        where TAdapter : LoraAdapter
    {
        ArgumentNullException.ThrowIfNull(model);
        return DisabledScope<TAdapter>.Begin(model);
    }
}
