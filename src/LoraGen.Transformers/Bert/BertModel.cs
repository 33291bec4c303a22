using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Checkpoints;
using LoraGen.Transformers.Layers;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Bert;

/// <summary>
/// The encoder without a head (Hugging Face: <c>BertModel</c> and <c>RobertaModel</c>, which differ in how positions are counted).
/// </summary>
/// <remarks>The config's dropouts are applied while <c>training</c>, as in transformers; a loaded model is in <c>eval()</c>.</remarks>
[LoraModel]
public sealed partial class BertModel : Module<Tensor, Tensor>, IPretrainedModel<BertModel.Adapter>
{
    private readonly BertEmbeddings embeddings;
    private readonly BertEncoder encoder;
    private readonly BertPooler? pooler;

    /// <summary>A model whose weights are not initialised: load a checkpoint, or write them.</summary>
    /// <param name="config">The shape.</param>
    /// <param name="pooler">Whether there is a pooler.</param>
    public BertModel(BertConfig config, bool pooler = true)
        : this(config, pooler, Weights.Default)
    {
    }

    internal BertModel(BertConfig config, bool pooler, Weights weights)
        : base(nameof(BertModel))
    {
        config.Check(nameof(BertConfig));
        Config = config;
        embeddings = new BertEmbeddings(config, weights);
        encoder = new BertEncoder(config, weights);
        this.pooler = pooler ? new BertPooler(config, weights) : null;
        RegisterComponents();
    }

    /// <summary>The model's shape.</summary>
    public BertConfig Config { get; }

    /// <inheritdoc/>
    public string? Folder { get; private init; }

    /// <summary>Token ids [batch, time] without padding, of one text each, to states [batch, time, hidden].</summary>
    public override Tensor forward(Tensor ids) => Encode(ids);

    /// <summary>The last layer's states.</summary>
    /// <param name="ids">Token ids, int64 [batch, time].</param>
    /// <param name="tokens">
    /// True for tokens and false for padding, bool [batch, time]; null where nothing is padding: ids alone do not tell. BERT counts
    /// positions from the row's first id, padding or not, and RoBERTa from its first token, as in transformers.
    /// </param>
    /// <param name="tokenTypes">Which text of a pair a token is of, int64 [batch, time]; null where all are of the first, 0.</param>
    /// <returns>[batch, time, hidden]</returns>
    /// <exception cref="LoraException">An input has another shape or dtype, or there are more tokens than positions.</exception>
    public Tensor Encode(Tensor ids, Tensor? tokens = null, Tensor? tokenTypes = null)
    {
        EncoderInputs.Check(ids, tokens, tokenTypes, Config.MaxLength);
        using var scope = NewDisposeScope();
        var x = embeddings.call(ids, tokenTypes ?? zeros_like(ids), Positions(ids, tokens));
        var mask = AttentionMask.Bidirectional(tokens, (x.dtype, x.device));
        return encoder.call(x, mask).MoveToOuterDisposeScope();
    }

    /// <summary>States [batch, time, hidden] to a vector for each sequence [batch, hidden].</summary>
    /// <exception cref="LoraException">The model was made without a pooler.</exception>
    public Tensor Pool(Tensor hidden)
        => pooler is null ? throw new LoraException("This model was made without a pooler: load it with pooler: true.") : pooler.call(hidden);

    // [batch or 1, time]
    private Tensor Positions(Tensor ids, Tensor? tokens)
    {
        if (tokens is null || !Config.IsRoberta)
        {
            return (arange(ids.shape[1], device: ids.device) + Config.FirstPosition).unsqueeze(0);
        }

        var counted = tokens.to_type(ScalarType.Int64);
        return counted.cumsum(1) * counted + (Config.FirstPosition - 1);
    }

    /// <summary>Reads a Hugging Face checkpoint folder of BERT or RoBERTa; the weights of its heads are passed over.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="dtype">Element type to hold the weights in; by default the checkpoint's own.</param>
    /// <param name="device">Where to hold them; by default the CPU.</param>
    /// <param name="pooler">Whether to read a pooler; a checkpoint saved without one has to be read without one.</param>
    /// <exception cref="LoraException">
    /// A file is missing or malformed, the config asks for something that is not implemented, or keys, shapes or dtypes are not this model's.
    /// </exception>
    public static BertModel Load(string folder, ScalarType? dtype = null, Device? device = null, bool pooler = true)
    {
        var config = BertConfig.Read(Path.Combine(folder, ConfigFile.Name));
        var model = Checkpoint.Load(folder, BertKeys.OfEncoder(config, pooler), dtype, device, weights => new BertModel(config, pooler, weights) { Folder = Path.GetFullPath(folder) });
        model.eval();
        return model;
    }

    /// <inheritdoc/>
    public void Save(string folder, long maxShardBytes = CheckpointFolder.MaxShardBytes)
        => CheckpointFolder.Save(folder, state_dict(), Config.ToJson(), Folder, maxShardBytes, config => Labels.Describe(config, Config.IsRoberta ? "RobertaModel" : "BertModel", Config.NumLabels));
}
