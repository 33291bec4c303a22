using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Checkpoints;
using LoraGen.Transformers.Generation;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Gpt2;

/// <summary>A GPT-2 language model (Hugging Face: <c>GPT2LMHeadModel</c>, whose checkpoint keys it keeps).</summary>
/// <remarks>
/// The config's dropouts are applied while <c>training</c>, as in transformers; a loaded model is in <c>eval()</c>. With tied embeddings an
/// adapter on <c>wte</c> changes what the model reads and leaves the head as it is, while a merge of that adapter would change both.
/// </remarks>
[LoraModel]
public sealed partial class Gpt2LMHeadModel : Module<Tensor, Tensor>, ICausalLM, IPretrainedModel<Gpt2LMHeadModel.Adapter>
{
    private readonly Gpt2Model transformer;

    // With tied embeddings there is no head of its own: the embedding matrix is read a second time, so that the two can never part.
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false, OutputHead = true)] private readonly Linear? lm_head;

    /// <summary>A model whose weights are not initialised: load a checkpoint, or write them.</summary>
    public Gpt2LMHeadModel(Gpt2Config config)
        : this(config, Weights.Default)
    {
    }

    private Gpt2LMHeadModel(Gpt2Config config, Weights weights)
        : base(nameof(Gpt2LMHeadModel))
    {
        Config = config;
        transformer = new Gpt2Model(config, weights);
        lm_head = config.TieWordEmbeddings ? null : weights.Linear(config.Width, config.VocabSize);
        RegisterComponents();
    }

    /// <summary>The model's shape.</summary>
    public Gpt2Config Config { get; }

    /// <inheritdoc/>
    public string? Folder { get; private init; }

    /// <inheritdoc/>
    public int VocabSize => Config.VocabSize;

    /// <inheritdoc/>
    public int NumHiddenLayers => Config.NumLayers;

    /// <inheritdoc/>
    public int MaxPositionEmbeddings => Config.NumPositions;

    /// <inheritdoc/>
    public Device Device
    {
        get
        {
            using var weight = transformer.TokenEmbedding;
            return weight.device;
        }
    }

    /// <summary>Token ids [batch, time] to next-token logits [batch, time, vocab].</summary>
    public override Tensor forward(Tensor ids)
    {
        using var hidden = Hidden(ids);
        return Logits(hidden);
    }

    /// <inheritdoc/>
    public Tensor Hidden(Tensor ids, KeyValueCache? cache = null, Tensor? tokens = null) => transformer.Read(ids, cache, tokens);

    /// <inheritdoc/>
    public Tensor Logits(Tensor hidden)
    {
        if (lm_head is not null)
        {
            return LmHead(hidden);
        }

        // TorchSharp hands out a new wrapper of the embedding's weight each time.
        using var weight = transformer.TokenEmbedding;
        return functional.linear(hidden, weight);
    }

    /// <summary>Reads a Hugging Face checkpoint folder; its keys may lack <c>transformer.</c>, as the first GPT-2 files do.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="dtype">Element type to hold the weights in; by default the checkpoint's own.</param>
    /// <param name="device">Where to hold them; by default the CPU.</param>
    /// <exception cref="LoraException">
    /// A file is missing or malformed, the config asks for something that is not implemented, or keys, shapes or dtypes are not this model's.
    /// </exception>
    public static Gpt2LMHeadModel Load(string folder, ScalarType? dtype = null, Device? device = null)
    {
        var config = Gpt2Config.Read(Path.Combine(folder, ConfigFile.Name));
        var model = Checkpoint.Load(folder, Gpt2Keys.ForLanguageModel(config), dtype, device, weights => new Gpt2LMHeadModel(config, weights) { Folder = Path.GetFullPath(folder) });
        model.eval();
        return model;
    }

    /// <inheritdoc/>
    public void Save(string folder, long maxShardBytes = CheckpointFolder.MaxShardBytes)
        => CheckpointFolder.Save(folder, state_dict(), Config.ToJson(), Folder, maxShardBytes, config => Labels.Describe(config, "GPT2LMHeadModel", Config.NumLabels));
}
