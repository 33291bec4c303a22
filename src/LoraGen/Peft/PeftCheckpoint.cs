using LoraGen.Files;
using LoraGen.TorchZip;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Peft;

/// <summary>
/// A LoRA adapter on disk, of whatever architecture, opened for reading: its config, and what each of its tensors is. No base is needed,
/// and no tensor is read before it is asked for.
/// </summary>
public sealed class PeftCheckpoint : IDisposable
{
    private readonly ITensorFile _file;

    private PeftCheckpoint(string? configPath, PeftCheckpointConfig config, ITensorFile file)
    {
        (Config, _file, IsLoralib) = (config, file, configPath is null);
        Tensors = Parsed(file, IsLoralib);
        var updates = new PeftUpdates(configPath ?? file.Path, file.Path, config, IsLoralib);
        Updates = updates.Of(Tensors);
        UnmatchedPatterns = [.. updates.UnmatchedPatterns];
    }

    /// <summary>The file that holds the tensors.</summary>
    public string WeightsPath => _file.Path;

    /// <summary>What the adapter's config says; of a file of loralib, what the caller said.</summary>
    public PeftCheckpointConfig Config { get; }

    /// <summary>The low-rank updates, in ordinal order of their paths.</summary>
    public IReadOnlyList<PeftUpdate> Updates { get; }

    /// <summary>Every tensor of the file, in ordinal order of the keys: those of the updates, and what was saved beside them.</summary>
    public IReadOnlyList<PeftTensor> Tensors { get; }

    internal bool IsLoralib { get; }

    internal ITensorFile File => _file;

    internal IReadOnlyList<string> UnmatchedPatterns { get; }

    /// <summary>
    /// Opens an adapter of PEFT 0.2 or later: <c>adapter_config.json</c> beside <c>adapter_model.safetensors</c> or, where there is none,
    /// <c>adapter_model.bin</c>.
    /// </summary>
    /// <exception cref="ArgumentException">The folder is null, empty or white space.</exception>
    /// <exception cref="LoraException">A file is missing or malformed, the two do not fit, or it is another method than LoRA.</exception>
    public static PeftCheckpoint Open(string folder)
    {
        GivenPath.Require(folder);
        var pair = PeftFilePair.Open(folder);
        ITensorFile? weights = pair.Weights;
        try
        {
            // First, since another method's weights are of no use in any format.
            var config = PeftCheckpointConfigReader.Read(pair.ConfigPath, pair.Config);
            weights ??= PeftWeights.OpenPickle(folder);
            return new PeftCheckpoint(pair.ConfigPath, config, weights);
        }
        catch
        {
            weights?.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Opens what loralib's <c>lora_state_dict</c> gave to <c>torch.save</c>: <c>lora_A</c> and <c>lora_B</c> without a config, so that
    /// the caller has to know alpha. Read are its Linear and MergedLinear; the keys do not tell its embeddings and convolutions from these.
    /// </summary>
    /// <param name="file">The file, such as <c>roberta_base_lora_mnli.bin</c>.</param>
    /// <param name="alpha">loralib's <c>lora_alpha</c>; the scale is alpha / r.</param>
    /// <param name="enableLora">
    /// MergedLinear's <c>enable_lora</c>: which slices of a fused layer are adapted, such as [true, false, true] for q and v of q, k, v.
    /// Without it, an adapter of several slices can be inspected, but not be placed.
    /// </param>
    /// <exception cref="ArgumentException">The path is null, empty or white space.</exception>
    /// <exception cref="LoraException">The file is malformed, its tensors do not fit each other, or alpha is not a finite number.</exception>
    public static PeftCheckpoint OpenLoralib(string file, double alpha, IReadOnlyList<bool>? enableLora = null)
    {
        if (!double.IsFinite(alpha))
        {
            throw new LoraException($"{nameof(alpha)}: expected a finite number, found {alpha}.");
        }

        var weights = TorchZipFile.Open(file);
        try
        {
            return new PeftCheckpoint(configPath: null, new PeftCheckpointConfig { Alpha = alpha, EnableLora = enableLora is null ? null : [.. enableLora] }, weights);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Writes what loralib's <c>lora_state_dict</c> and <c>torch.save</c> write: A and B of each layer as <c>lora_A</c> and <c>lora_B</c>, and
    /// the modules that were trained whole under their own names, every tensor with its dtype and bits. loralib keeps the one alpha of all
    /// layers in the program: that is what is returned.
    /// </summary>
    /// <param name="file">The file to write; one that is there is replaced as a whole.</param>
    /// <returns>The <c>lora_alpha</c> to give loralib's layers.</returns>
    /// <exception cref="ArgumentException">The path is null, empty or white space.</exception>
    /// <exception cref="LoraException">Layers have different alphas, or a tensor or option that loralib does not have; or the file cannot be written.</exception>
    public double SaveLoralib(string file)
    {
        GivenPath.Require(file);
        return LoralibWriter.Write(this, file);
    }

    /// <summary>Says what an adapter is and what is odd about it, without its base; see <see cref="PeftInspection"/>.</summary>
    /// <exception cref="ArgumentException">The folder is null, empty or white space.</exception>
    /// <exception cref="LoraException">As <see cref="Open"/>.</exception>
    public static PeftInspection Inspect(string folder)
    {
        using var checkpoint = Open(folder);
        return checkpoint.Inspect();
    }

    /// <summary>Says what this adapter is and what is odd about it. Every tensor is read once.</summary>
    /// <exception cref="LoraException">The file was changed after it was opened.</exception>
    public PeftInspection Inspect() => PeftInspector.Inspect(this);

    /// <summary>Reads one tensor into memory of its own, in the file's dtype, on the CPU.</summary>
    /// <exception cref="LoraException">The adapter has no such tensor, or the file was changed after it was opened.</exception>
    public Tensor Read(PeftTensor tensor) => _file.Read(tensor.Key);

    /// <summary>
    /// What an update adds to its layer's weight: <c>scale * B A</c>, [out, in] however the base stores it; [out, in, kernel...] of a
    /// convolution, [number of embeddings, dim] of an embedding. In fp32, or fp64 where the file has it.
    /// </summary>
    /// <exception cref="LoraException">The update is not that product alone, as with DoRA, or nothing says where its slices belong.</exception>
    public Tensor Delta(PeftUpdate update)
    {
        if (PeftVariants.In(Config).Concat(update.Magnitude is null ? [] : ["lora_magnitude_vector"]).FirstOrDefault() is { } variant)
        {
            throw new LoraException($"{WeightsPath}: {Excerpt.Of(update.Path)}: expected an update that is scale * B A alone, found {Excerpt.Of(variant)}.");
        }

        using var scope = NewDisposeScope();
        using var inference = no_grad();
        var (a, b) = PeftFactors.Placed(update, _file, Config.EnableLora);
        var dtype = a.dtype == ScalarType.Float64 || b.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        var product = b.to_type(dtype).matmul(a.to_type(dtype)) * update.Scale;
        var delta = update.IsEmbedding ? product.t().contiguous()
            : update.A.Shape.Count > 2 ? product.view([product.shape[0], .. update.A.Shape.Skip(1)])
            : product;
        return delta.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Writes the same adapter as PEFT writes one: <c>adapter_config.json</c>, with only such keys as PEFT has known for long and those
    /// that are set, beside <c>adapter_model.safetensors</c>. Each tensor keeps its dtype and its bits; its key becomes what PEFT writes
    /// today, and the base's own <c>original_module</c> values are left out. Slices of loralib's MergedLinear become blocks of one plain
    /// update of as many times the rank, since PEFT has no such layer.
    /// </summary>
    /// <param name="folder">It is made if need be; an adapter that is there is replaced as a whole.</param>
    /// <param name="keyPrefix">
    /// What stands before each module's path, <c>base_model.model.</c> in PEFT; for an adapter that was trained on a part of the base, with
    /// that part's path, such as <c>base_model.model.roberta.</c>.
    /// </param>
    /// <exception cref="ArgumentException">The folder is null, empty or white space.</exception>
    /// <exception cref="LoraException">Nothing says where slices belong, or the folder cannot be written.</exception>
    public void Save(string folder, string keyPrefix = PeftKeyParser.Prefix) => PeftCheckpointWriter.Write(this, folder, keyPrefix);

    /// <summary>Closes the file; tensors that were read stay valid.</summary>
    public void Dispose() => _file.Dispose();

    private static List<PeftTensor> Parsed(ITensorFile file, bool isLoralib)
    {
        var parser = PeftKeyParser.For(file.Path, file.Keys, isLoralib);
        var seen = new Dictionary<(string, string, bool), string>();
        var tensors = new List<PeftTensor>();
        foreach (var key in file.Keys.Order(StringComparer.Ordinal))
        {
            var ((path, name, kind), stored) = (parser.Parse(key), file.Find(key)!);
            if (!seen.TryAdd((path, name, kind == PeftTensorKind.Original), key))
            {
                throw new LoraException($"{file.Path}: {Excerpt.Of(key)}: expected one tensor {Excerpt.Of(name)} of {Excerpt.Of(path)}, found another: {Excerpt.Of(seen[(path, name, kind == PeftTensorKind.Original)])}. A file holds one adapter.");
            }

            tensors.Add(new PeftTensor(key, path, name, kind, stored.Dtype, stored.Shape));
        }

        return tensors;
    }
}
