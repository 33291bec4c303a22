namespace LoraGen.Transformers.Checkpoints;

/// <summary>What <see cref="IPretrainedModel"/> offers without the adapter's type, said with it.</summary>
/// <typeparam name="TAdapter">The generated adapter class.</typeparam>
public interface IPretrainedModel<TAdapter> : IPretrainedModel, ILoraModel<TAdapter>
    where TAdapter : LoraAdapter
{
    LoraAdapter? IPretrainedModel.ActiveAdapter
    {
        get => ((ILoraModel<TAdapter>)this).ActiveAdapter;
        set => ((ILoraModel<TAdapter>)this).ActiveAdapter = value is null ? null : Own(value);
    }

    LoraAdapter IPretrainedModel.LoadAdapter(string folder) => new LoraState<TAdapter>().Load(folder, this);

    void IPretrainedModel.Merge(LoraAdapter adapter) => ((ILoraModel<TAdapter>)this).Merge(Own(adapter));

    private static TAdapter Own(LoraAdapter adapter) => adapter as TAdapter
        ?? throw new LoraException($"Expected an adapter of {typeof(TAdapter).DeclaringType!.Name}, found one of {adapter.GetType().DeclaringType!.Name}.");
}
