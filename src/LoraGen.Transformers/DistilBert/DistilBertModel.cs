using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Checkpoints;
using LoraGen.Transformers.Layers;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.DistilBert;

/// <summary>The encoder without a head (Hugging Face: <c>DistilBertModel</c>).</summary>
/// <remarks>The config's dropouts are applied while <c>training</c>, as in transformers; a loaded model is in <c>eval()</c>.</remarks>
[LoraModel]
public sealed partial class DistilBertModel : Module<Tensor, Tensor>, IPretrainedModel<DistilBertModel.Adapter>
{
    private readonly DistilBertEmbeddings embeddings;
    private readonly DistilBertTransformer transformer;

    /// <summary>A model whose weights are not initialised: load a checkpoint, or write them.</summary>
    public DistilBertModel(DistilBertConfig config)
        : this(config, Weights.Default)
    {
    }

    internal DistilBertModel(DistilBertConfig config, Weights weights)
        : base(nameof(DistilBertModel))
    {
        config.Check(nameof(DistilBertConfig));
        Config = config;
        embeddings = new DistilBertEmbeddings(config, weights);
        transformer = new DistilBertTransformer(config, weights);
        RegisterComponents();
    }

    /// <summary>The model's shape.</summary>
    public DistilBertConfig Config { get; }

    /// <inheritdoc/>
    public string? Folder { get; private init; }

    /// <summary>Token ids [batch, time] without padding to states [batch, time, dim].</summary>
    public override Tensor forward(Tensor ids) => Encode(ids);

    /// <summary>The last layer's states.</summary>
    /// <param name="ids">Token ids, int64 [batch, time].</param>
    /// <param name="tokens">
    /// True for tokens and false for padding, bool [batch, time]; null where nothing is padding: ids alone do not tell. Positions are
    /// counted from the row's first id, padding or not, as in transformers.
    /// </param>
    /// <returns>[batch, time, dim]</returns>
    /// <exception cref="LoraException">An input has another shape or dtype, or there are more tokens than positions.</exception>
    public Tensor Encode(Tensor ids, Tensor? tokens = null)
    {
        EncoderInputs.Check(ids, tokens, null, Config.MaxPositionEmbeddings);
        using var scope = NewDisposeScope();
        var x = embeddings.call(ids);
        var mask = AttentionMask.Bidirectional(tokens, (x.dtype, x.device));
        return transformer.call(x, mask).MoveToOuterDisposeScope();
    }

    /// <summary>Reads a Hugging Face checkpoint folder; the weights of its heads are passed over.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="dtype">Element type to hold the weights in; by default the checkpoint's own.</param>
    /// <param name="device">Where to hold them; by default the CPU.</param>
    /// <exception cref="LoraException">
    /// A file is missing or malformed, the config asks for something that is not implemented, or keys, shapes or dtypes are not this model's.
    /// </exception>
    public static DistilBertModel Load(string folder, ScalarType? dtype = null, Device? device = null)
    {
        var config = DistilBertConfig.Read(Path.Combine(folder, ConfigFile.Name));
        var model = Checkpoint.Load(folder, DistilBertKeys.OfEncoder(), dtype, device, weights => new DistilBertModel(config, weights) { Folder = Path.GetFullPath(folder) });
        model.eval();
        return model;
    }

    /// <inheritdoc/>
    public void Save(string folder, long maxShardBytes = CheckpointFolder.MaxShardBytes)
        => CheckpointFolder.Save(folder, state_dict(), Config.ToJson(), Folder, maxShardBytes, config => Labels.Describe(config, nameof(DistilBertModel), Config.NumLabels));
}
