using System.Text.RegularExpressions;
using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Checkpoints;
using LoraGen.Transformers.Generation;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Transformers.Llama;

/// <summary>A Llama-family language model (Hugging Face: <c>LlamaForCausalLM</c>, <c>MistralForCausalLM</c>, <c>Qwen2ForCausalLM</c>, <c>Qwen3ForCausalLM</c>, whose checkpoint keys it keeps).</summary>
[LoraModel]
public sealed partial class LlamaForCausalLM : Module<Tensor, Tensor>, ICausalLM, IPretrainedModel<LlamaForCausalLM.Adapter>
{
    private readonly LlamaModel model;

    // With tied embeddings there is no head of its own: the embedding matrix is read a second time, so that the two can never part.
    [LoraTarget(Rank = 8, Alpha = 16, ByDefault = false, OutputHead = true)] private readonly Linear? lm_head;

    /// <summary>A model whose weights are not initialised: load a checkpoint, or call <see cref="Initialize"/>.</summary>
    public LlamaForCausalLM(LlamaConfig config)
        : this(config, Weights.Default)
    {
    }

    private LlamaForCausalLM(LlamaConfig config, Weights weights)
        : base(nameof(LlamaForCausalLM))
    {
        config.Check(nameof(LlamaConfig));
        Config = config;
        model = new LlamaModel(config, weights);
        lm_head = config.TieWordEmbeddings ? null : weights.Linear(config.HiddenSize, config.VocabSize);
        RegisterComponents();
    }

    /// <summary>The model's shape.</summary>
    public LlamaConfig Config { get; }

    /// <inheritdoc/>
    public string? Folder { get; private init; }

    /// <inheritdoc/>
    public int VocabSize => Config.VocabSize;

    /// <inheritdoc/>
    public int NumHiddenLayers => Config.NumHiddenLayers;

    /// <inheritdoc/>
    public int MaxPositionEmbeddings => model.MaxPositions;

    /// <inheritdoc/>
    public Device Device
    {
        get
        {
            using var weight = model.TokenEmbedding;
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
    public Tensor Hidden(Tensor ids, KeyValueCache? cache = null, Tensor? tokens = null) => model.Read(ids, cache, tokens);

    /// <inheritdoc/>
    public Tensor Logits(Tensor hidden)
    {
        if (lm_head is not null)
        {
            return LmHead(hidden);
        }

        // TorchSharp hands out a new wrapper of the embedding's weight each time.
        using var weight = model.TokenEmbedding;
        return functional.linear(hidden, weight);
    }

    /// <summary>Draws every weight from N(0, 0.02²) and sets the norms' gains to 1, as Llama is initialised for pretraining.</summary>
    public void Initialize(Generator generator)
    {
        using var inference = no_grad();
        foreach (var (_, parameter) in named_parameters())
        {
            // The tensor's own normal_: TorchSharp 0.107's nn.init.normal_ takes a generator and does not use it.
            _ = parameter.dim() == 1 ? init.ones_(parameter) : parameter.normal_(0, 0.02, generator);
        }
    }

    /// <summary>Reads <c>config.json</c> and the safetensors files, one or sharded, of a Hugging Face checkpoint folder.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="dtype">Element type to hold the weights in; by default the checkpoint's own.</param>
    /// <param name="device">Where to hold them; by default the CPU.</param>
    /// <exception cref="LoraException">A file is missing or malformed, or its keys, shapes or dtypes are not this model's.</exception>
    public static LlamaForCausalLM Load(string folder, ScalarType? dtype = null, Device? device = null)
    {
        var config = LlamaConfig.Read(Path.Combine(folder, "config.json"));
        var model = Checkpoint.Load(folder, Keys(config), dtype, device, weights => new LlamaForCausalLM(config, weights) { Folder = Path.GetFullPath(folder) });
        model.eval(); // As transformers does; whoever trains with dropout calls train().
        return model;
    }

    /// <inheritdoc/>
    public void Save(string folder, long maxShardBytes = CheckpointFolder.MaxShardBytes)
        => CheckpointFolder.Save(folder, state_dict(), Config.ToJson(), Folder, maxShardBytes);

    private static CheckpointKeys Keys(LlamaConfig config) => new()
    {
        Prefix = "model.",
        Ignored = RotaryBuffer(),
        Tied = config.TieWordEmbeddings ? new Dictionary<string, string> { ["lm_head.weight"] = "model.embed_tokens.weight" } : [],
    };

    [GeneratedRegex(@"\.rotary_emb\.inv_freq$")]
    private static partial Regex RotaryBuffer();
}
