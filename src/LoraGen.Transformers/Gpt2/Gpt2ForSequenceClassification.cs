using LoraGen.Transformers.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Gpt2;

/// <summary>GPT-2 with a classifier on the last token (Hugging Face: <c>GPT2ForSequenceClassification</c>, whose checkpoint keys it keeps).</summary>
[LoraModel]
public sealed partial class Gpt2ForSequenceClassification : Module<Tensor, Tensor>, IPretrainedModel<Gpt2ForSequenceClassification.Adapter>
{
    private readonly Gpt2Model transformer;
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false, OutputHead = true)] private readonly Linear score;

    /// <summary>A model whose weights are not initialised: load a checkpoint, or write them.</summary>
    public Gpt2ForSequenceClassification(Gpt2Config config)
        : this(config, Weights.Default)
    {
    }

    private Gpt2ForSequenceClassification(Gpt2Config config, Weights weights)
        : base(nameof(Gpt2ForSequenceClassification))
    {
        Config = config;
        transformer = new Gpt2Model(config, weights);
        score = weights.Linear(config.Width, config.NumLabels);
        RegisterComponents();
    }

    /// <summary>The model's shape.</summary>
    public Gpt2Config Config { get; }

    /// <inheritdoc/>
    public string? Folder { get; private init; }

    /// <summary>Token ids [batch, time] without padding to logits [batch, labels].</summary>
    public override Tensor forward(Tensor ids) => Classify(ids);

    /// <summary>Logits of the classes, read off each row's last token.</summary>
    /// <param name="ids">Token ids, int64 [batch, time].</param>
    /// <param name="tokens">
    /// True for tokens and false for padding, bool [batch, time], at least one token a row; null where nothing is padding: ids alone do not
    /// tell, whatever the config's <c>pad_token_id</c>. Padding on either side changes nothing.
    /// </param>
    /// <returns>[batch, labels]</returns>
    public Tensor Classify(Tensor ids, Tensor? tokens = null)
    {
        using var scope = NewDisposeScope();
        var hidden = transformer.Read(ids, null, tokens); // [batch, time, width]
        return Score(tokens is null ? hidden.select(1, -1) : AtLastToken(hidden, tokens)).MoveToOuterDisposeScope();
    }

    private static Tensor AtLastToken(Tensor hidden, Tensor tokens)
    {
        var places = arange(tokens.shape[1], device: tokens.device);
        var last = (tokens.to_type(ScalarType.Int64) * places).argmax(1); // [batch]
        return hidden[arange(last.shape[0], device: tokens.device), last];
    }

    /// <summary>Reads a Hugging Face checkpoint folder. The model is in <c>eval()</c>: nothing is dropped before <c>train()</c>.</summary>
    /// <param name="folder">The checkpoint; of <c>GPT2ForSequenceClassification</c>, or with <paramref name="newLabels"/> of any GPT-2.</param>
    /// <param name="dtype">Element type to hold the weights in; by default the checkpoint's own.</param>
    /// <param name="device">Where to hold them; by default the CPU.</param>
    /// <param name="newLabels">The number of classes of a new head, from N(0, <c>initializer_range</c>²); null to read the head.</param>
    /// <exception cref="LoraException">
    /// A file is missing or malformed, the config asks for something that is not implemented, or keys, shapes or dtypes are not this model's.
    /// </exception>
    public static Gpt2ForSequenceClassification Load(string folder, ScalarType? dtype = null, Device? device = null, int? newLabels = null)
    {
        var read = Gpt2Config.Read(Path.Combine(folder, ConfigFile.Name));
        var config = read with { NumLabels = ClassifierHead.NumLabels(newLabels, read.NumLabels) };
        var model = Checkpoint.Load(folder, Gpt2Keys.ForClassifier(config, newLabels), dtype, device, weights => new Gpt2ForSequenceClassification(config, weights) { Folder = Path.GetFullPath(folder) });
        model.eval();
        return model;
    }

    /// <inheritdoc/>
    public void Save(string folder, long maxShardBytes = CheckpointFolder.MaxShardBytes)
        => CheckpointFolder.Save(folder, state_dict(), Config.ToJson(), Folder, maxShardBytes, config => Labels.Describe(config, "GPT2ForSequenceClassification", Config.NumLabels));
}
