namespace LoraGen.Transformers.Checkpoints;

/// <summary>A base model that comes from a checkpoint folder of Hugging Face's layout and can be written as one.</summary>
public interface IPretrainedModel : IDisposable
{
    /// <summary>The folder that the model was loaded from, or null where it was made otherwise.</summary>
    string? Folder { get; }

    /// <summary>The active adapter, as <see cref="ILoraModel{TAdapter}.ActiveAdapter"/>, for a caller that does not know the model's class.</summary>
    /// <exception cref="LoraException">The adapter is of another class of models; or as there.</exception>
    LoraAdapter? ActiveAdapter { get; set; }

    /// <summary>Reads an adapter in PEFT's format for this model: the <c>Adapter.Load</c> of its class.</summary>
    /// <exception cref="LoraException">As there.</exception>
    LoraAdapter LoadAdapter(string folder);

    /// <summary>Writes an adapter into the weights, as <see cref="ILoraModel{TAdapter}.Merge"/>.</summary>
    /// <exception cref="LoraException">The adapter is of another class of models; or as there.</exception>
    void Merge(LoraAdapter adapter);

    /// <summary>
    /// Writes the weights, merged ones as they are now, with everything else that transformers opens a checkpoint by: safetensors, in shards
    /// with an index above a size; <c>config.json</c>, that of <see cref="Folder"/> unchanged but for the dtype; the tokenizer's files out of
    /// <see cref="Folder"/>. All is written into a folder beside, which then takes the place of <paramref name="folder"/>.
    /// </summary>
    /// <param name="folder">A folder that does not exist yet, is empty, or is a checkpoint: its weights and config are replaced, and what else lies there stays.</param>
    /// <param name="maxShardBytes">The most bytes of weights in one file, unless one tensor alone has more; Hugging Face's <c>max_shard_size</c>.</param>
    /// <exception cref="LoraException">The folder holds something else than a checkpoint, or cannot be written; it is then as it was.</exception>
    void Save(string folder, long maxShardBytes = CheckpointFolder.MaxShardBytes);
}
