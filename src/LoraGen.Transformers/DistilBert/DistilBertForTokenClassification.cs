using LoraGen.Transformers.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.DistilBert;

/// <summary>DistilBERT with a classifier of tokens (Hugging Face: <c>DistilBertForTokenClassification</c>, whose checkpoint keys it keeps).</summary>
/// <remarks>The loss is the caller's: cross entropy for classes, with logits for several labels at once, or the squared error of a regression.</remarks>
[LoraModel]
public sealed partial class DistilBertForTokenClassification : Module<Tensor, Tensor>, IPretrainedModel<DistilBertForTokenClassification.Adapter>
{
    private readonly DistilBertModel distilbert;
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false, OutputHead = true)] private readonly Linear classifier;

    /// <summary>A model whose weights are not initialised: load a checkpoint, or write them.</summary>
    public DistilBertForTokenClassification(DistilBertConfig config)
        : this(config, Weights.Default)
    {
    }

    private DistilBertForTokenClassification(DistilBertConfig config, Weights weights)
        : base(nameof(DistilBertForTokenClassification))
    {
        Config = config;
        distilbert = new DistilBertModel(config, weights);
        classifier = weights.Linear(config.Dim, config.NumLabels, bias: true);
        RegisterComponents();
    }

    /// <summary>The model's shape.</summary>
    public DistilBertConfig Config { get; }

    /// <inheritdoc/>
    public string? Folder { get; private init; }

    /// <summary>Token ids [batch, time] without padding to logits [batch, time, labels].</summary>
    public override Tensor forward(Tensor ids) => Classify(ids);

    /// <summary>Logits of the classes of each token.</summary>
    /// <param name="ids">Token ids, int64 [batch, time].</param>
    /// <param name="tokens">True for tokens and false for padding, bool [batch, time]; null where nothing is padding: ids alone do not tell.</param>
    /// <returns>[batch, time, labels]</returns>
    /// <exception cref="LoraException">An input has another shape or dtype, or there are more tokens than positions.</exception>
    public Tensor Classify(Tensor ids, Tensor? tokens = null)
    {
        using var scope = NewDisposeScope();
        var hidden = distilbert.Encode(ids, tokens); // [batch, time, hidden]
        return Classifier(functional.dropout(hidden, Config.Dropout, training)).MoveToOuterDisposeScope();
    }

    /// <summary>Reads a Hugging Face checkpoint folder. The model is in <c>eval()</c>: nothing is dropped before <c>train()</c>.</summary>
    /// <param name="folder">The checkpoint; of <c>DistilBertForTokenClassification</c>, or with <paramref name="newLabels"/> of any DistilBERT.</param>
    /// <param name="dtype">Element type to hold the weights in; by default the checkpoint's own.</param>
    /// <param name="device">Where to hold them; by default the CPU.</param>
    /// <param name="newLabels">The number of classes of a new head, from N(0, <c>initializer_range</c>²); null to read the head.</param>
    /// <exception cref="LoraException">
    /// A file is missing or malformed, the config asks for something that is not implemented, or keys, shapes or dtypes are not this model's.
    /// </exception>
    public static DistilBertForTokenClassification Load(string folder, ScalarType? dtype = null, Device? device = null, int? newLabels = null)
    {
        var read = DistilBertConfig.Read(Path.Combine(folder, ConfigFile.Name));
        var config = read with { NumLabels = ClassifierHead.NumLabels(newLabels, read.NumLabels) };
        var model = Checkpoint.Load(folder, DistilBertKeys.OfTokenClassifier(config, newLabels), dtype, device, weights => new DistilBertForTokenClassification(config, weights) { Folder = Path.GetFullPath(folder) });
        model.eval();
        return model;
    }

    /// <inheritdoc/>
    public void Save(string folder, long maxShardBytes = CheckpointFolder.MaxShardBytes)
        => CheckpointFolder.Save(folder, state_dict(), Config.ToJson(), Folder, maxShardBytes, config => Labels.Describe(config, nameof(DistilBertForTokenClassification), Config.NumLabels));
}
