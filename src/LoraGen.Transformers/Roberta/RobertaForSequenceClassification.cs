using LoraGen.Transformers.Bert;
using LoraGen.Transformers.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Roberta;

/// <summary>RoBERTa with a classifier of sequences on its first token (Hugging Face: <c>RobertaForSequenceClassification</c>, whose checkpoint keys it keeps).</summary>
/// <remarks>The loss is the caller's: cross entropy for classes, with logits for several labels at once, or the squared error of a regression.</remarks>
[LoraModel]
public sealed partial class RobertaForSequenceClassification : Module<Tensor, Tensor>, IPretrainedModel<RobertaForSequenceClassification.Adapter>
{
    private readonly BertModel roberta;
    private readonly RobertaClassificationHead classifier;

    /// <summary>A model whose weights are not initialised: load a checkpoint, or write them.</summary>
    public RobertaForSequenceClassification(BertConfig config)
        : this(config, Weights.Default)
    {
    }

    private RobertaForSequenceClassification(BertConfig config, Weights weights)
        : base(nameof(RobertaForSequenceClassification))
    {
        config.RequireModelType("roberta");
        Config = config;
        roberta = new BertModel(config, pooler: false, weights);
        classifier = new RobertaClassificationHead(config, weights);
        RegisterComponents();
    }

    /// <summary>The model's shape.</summary>
    public BertConfig Config { get; }

    /// <inheritdoc/>
    public string? Folder { get; private init; }

    /// <summary>Token ids [batch, time] without padding, of one text each, to logits [batch, labels].</summary>
    public override Tensor forward(Tensor ids) => Classify(ids);

    /// <summary>Logits of the classes of each sequence.</summary>
    /// <param name="ids">Token ids, int64 [batch, time].</param>
    /// <param name="tokens">True for tokens and false for padding, bool [batch, time]; null where nothing is padding: ids alone do not tell.</param>
    /// <param name="tokenTypes">Which text of a pair a token is of, int64 [batch, time]; null where all are of the first, 0.</param>
    /// <returns>[batch, labels]</returns>
    /// <exception cref="LoraException">An input has another shape or dtype, or there are more tokens than positions.</exception>
    public Tensor Classify(Tensor ids, Tensor? tokens = null, Tensor? tokenTypes = null)
    {
        using var scope = NewDisposeScope();
        var hidden = roberta.Encode(ids, tokens, tokenTypes); // [batch, time, hidden]
        return classifier.call(hidden).MoveToOuterDisposeScope();
    }

    /// <summary>Reads a Hugging Face checkpoint folder. The model is in <c>eval()</c>: nothing is dropped before <c>train()</c>.</summary>
    /// <param name="folder">The checkpoint; of <c>RobertaForSequenceClassification</c>, or with <paramref name="newLabels"/> of any RoBERTa.</param>
    /// <param name="dtype">Element type to hold the weights in; by default the checkpoint's own.</param>
    /// <param name="device">Where to hold them; by default the CPU.</param>
    /// <param name="newLabels">The number of classes of a new head, from N(0, <c>initializer_range</c>²); null to read the head.</param>
    /// <exception cref="LoraException">
    /// A file is missing or malformed, the config asks for something that is not implemented, or keys, shapes or dtypes are not this model's.
    /// </exception>
    public static RobertaForSequenceClassification Load(string folder, ScalarType? dtype = null, Device? device = null, int? newLabels = null)
    {
        var read = BertConfig.Read(Path.Combine(folder, ConfigFile.Name), "roberta");
        var config = read with { NumLabels = ClassifierHead.NumLabels(newLabels, read.NumLabels) };
        var model = Checkpoint.Load(folder, BertKeys.OfClassifier(config, newLabels), dtype, device, weights => new RobertaForSequenceClassification(config, weights) { Folder = Path.GetFullPath(folder) });
        model.eval();
        return model;
    }

    /// <inheritdoc/>
    public void Save(string folder, long maxShardBytes = CheckpointFolder.MaxShardBytes)
        => CheckpointFolder.Save(folder, state_dict(), Config.ToJson(), Folder, maxShardBytes, config => Labels.Describe(config, nameof(RobertaForSequenceClassification), Config.NumLabels));
}
