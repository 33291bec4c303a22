using System.ComponentModel;
using LoraGen.Files;
using LoraGen.Peft;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen;

/// <summary>
/// Builds the updates of one adapter while generated code walks the model: it knows the path, the config and where A's values come
/// from. One builder per node of the tree; all of them share one plan.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class AdapterBuilder
{
    private readonly AdapterPlan _plan;

    private AdapterBuilder(AdapterPlan plan, string path) => (_plan, Path) = (plan, path);

    /// <summary>Where this node lies below the model; empty at the top.</summary>
    internal string Path { get; }

    internal bool IsRoot => Path.Length == 0;

    internal LoraConfig Config => _plan.Config;

    internal string? BaseFingerprint => IsRoot ? _plan.BaseFingerprint : null;

    /// <summary>
    /// Paths of the base's modules, so that a saved <c>target_modules</c> names no more of them than are adapted; without those that are
    /// saved whole, which PEFT does not adapt whatever names them.
    /// </summary>
    internal IReadOnlyCollection<string> TargetablePaths => [.. _plan.ModulePaths.Where(path => !_plan.Saved.IsWhole(path))];

    /// <summary>What PEFT calls the modules that are saved whole, or null where there are none.</summary>
    internal IReadOnlyList<string>? ModulesToSave => _plan.Saved.Names;

    /// <summary>Makes a new adapter, whose update is zero. See <see cref="ILoraModel{TAdapter}.CreateAdapter"/>.</summary>
    internal static TAdapter Create<TAdapter>(ILoraModel<TAdapter> model, LoraConfig? config, Generator? generator)
        where TAdapter : LoraAdapter
        => Freezing(model, Build(model, config ?? new LoraConfig(), generator, files: null));

    /// <summary>
    /// Reads an adapter in PEFT's format for <paramref name="model"/>. Every key, shape and value is checked before the adapter exists.
    /// </summary>
    /// <exception cref="ArgumentException">The folder is null, empty or white space.</exception>
    /// <exception cref="LoraException">A file is missing, malformed or truncated, or belongs to another model or another method.</exception>
    internal static TAdapter Load<TAdapter>(string folder, ILoraModel<TAdapter> model)
        where TAdapter : LoraAdapter
    {
        GivenPath.Require(folder);
        using var files = PeftAdapterFiles.Open(folder);
        var adapter = Build(model, files.Config, generator: null, files);
        try
        {
            files.CopyTo(adapter, LoraSites.Of(model, adapter), (nn.Module)model);
            return Freezing(model, adapter);
        }
        catch
        {
            adapter.Dispose();
            throw;
        }
    }

    /// <summary>An adapter in which no projection has an A and a B.</summary>
    internal static TAdapter CreateEmpty<TAdapter>(ILoraModel<TAdapter> model)
        where TAdapter : LoraAdapter
        => model.NewAdapter(new AdapterBuilder(new AdapterPlan((nn.Module)model, new LoraConfig { ExcludeModulesPattern = ".*" }, generator: null, files: null), ""));

    private static TAdapter Build<TAdapter>(ILoraModel<TAdapter> model, LoraConfig config, Generator? generator, PeftAdapterFiles? files)
        where TAdapter : LoraAdapter
    {
        var plan = new AdapterPlan((nn.Module)model, config, generator, files);
        TAdapter? adapter = null;
        try
        {
            adapter = model.NewAdapter(new AdapterBuilder(plan, ""));
            plan.RequireSound(LoraSites.Of(model, adapter));
            plan.RequireComplete();
            plan.Initialise();
            return adapter;
        }
        catch
        {
            adapter?.Dispose();
            plan.Dispose(); // There is no adapter yet where one of its updates was refused, and others were made.
            throw;
        }
    }

    // Last, so that a refused adapter leaves the base as it was, in this too.
    private static TAdapter Freezing<TAdapter>(ILoraModel<TAdapter> model, TAdapter adapter)
        where TAdapter : LoraAdapter
    {
        foreach (var parameter in ((nn.Module)model).parameters())
        {
            parameter.requires_grad = false;
        }

        return adapter;
    }

    /// <summary>The update of one <c>Linear</c>; the values are the attribute's.</summary>
    public LinearUpdate Linear(
        string name, Linear projection, int rank, double alpha, double dropout, bool byDefault = true, bool outputHead = false, bool useDora = false, LoraInit init = LoraInit.Kaiming, FusedSlices? slices = null, bool loraBias = false)
        => _plan.Update(
            new Annotation(Join(name), projection, UpdateKind.Linear, rank, alpha, dropout, byDefault, outputHead, useDora, init, slices) { LoraBias = loraBias }, parts => new LinearUpdate(parts));

    /// <summary>The update of one <see cref="LoraGen.Conv1D"/>; the values are the attribute's.</summary>
    public Conv1DUpdate Conv1D(
        string name, Conv1D projection, int rank, double alpha, double dropout, bool byDefault = true, bool outputHead = false, bool useDora = false, LoraInit init = LoraInit.Kaiming, FusedSlices? slices = null, bool loraBias = false)
        => _plan.Update(
            new Annotation(Join(name), projection, UpdateKind.Conv1D, rank, alpha, dropout, byDefault, outputHead, useDora, init, slices) { LoraBias = loraBias }, parts => new Conv1DUpdate(parts));

    /// <summary>The update of one <c>Embedding</c>; the values are the attribute's.</summary>
    public EmbeddingUpdate Embedding(
        string name, Embedding projection, int rank, double alpha, double dropout, bool byDefault = true, bool outputHead = false, bool useDora = false, LoraInit init = LoraInit.Kaiming)
        => _plan.Update(
            new Annotation(Join(name), projection, UpdateKind.Embedding, rank, alpha, dropout, byDefault, outputHead, useDora, init, Slices: null), parts => EmbeddingUpdate.Of(projection, parts));

    /// <summary>The update of one <c>Conv1d</c>, <c>Conv2d</c> or <c>Conv3d</c>; the values are the attribute's.</summary>
    public ConvUpdate Conv(
        string name, Convolution projection, int rank, double alpha, double dropout, bool byDefault = true, bool outputHead = false, bool useDora = false, LoraInit init = LoraInit.Kaiming, bool loraBias = false)
        => _plan.Update(
            new Annotation(Join(name), projection, UpdateKind.Convolution, rank, alpha, dropout, byDefault, outputHead, useDora, init, Slices: null) { LoraBias = loraBias }, parts => new ConvUpdate(parts, projection.kernel_size.Length));

    /// <summary>The builder of a child.</summary>
    public AdapterBuilder Child(string name) => new(_plan, Join(name));

    /// <summary>One adapter for each child in a list.</summary>
    public ModuleList<TAdapter> Children<TModel, TAdapter>(string name, ModuleList<TModel> models, Func<TModel, AdapterBuilder, TAdapter> construct)
        where TModel : nn.Module
        where TAdapter : LoraAdapter
        => new([.. models.Select((model, i) => construct(model, Child($"{name}.{i}")))]);

    private string Join(string name) => IsRoot ? name : $"{Path}.{name}";
}
