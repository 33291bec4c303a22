using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Checkpoints;

/// <summary>Loads a base model's weights strictly: every key, shape and dtype is checked before memory is taken for the first weight.</summary>
internal static class Checkpoint
{
    /// <summary>Makes a model in its last dtype and place, and reads each tensor straight into its weight.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="keys">How the file's keys become the model's.</param>
    /// <param name="dtype">Element type to hold the weights in; null takes the files', which then must be one for all tensors.</param>
    /// <param name="device">Where to hold them; null is the CPU.</param>
    /// <param name="create">Makes the model of these weights; called twice, first for the shapes alone.</param>
    /// <exception cref="LoraException">
    /// A file is missing or malformed; keys are missing or unexpected (all are listed); a shape or dtype is another; dtypes are mixed
    /// without a <paramref name="dtype"/>.
    /// </exception>
    public static TModel Load<TModel>(string folder, CheckpointKeys keys, ScalarType? dtype, Device? device, Func<Weights, TModel> create)
        where TModel : nn.Module
    {
        using var files = CheckpointFiles.Open(folder);
        var plan = Plan();
        var model = create(new Weights(dtype ?? plan.CommonDtype(), device ?? CPU));
        try
        {
            plan.Fill(model);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }

        CheckpointPlan Plan()
        {
            using var shapes = create(Weights.Shapes(files.Tensors.Count, files.Path));
            return new(files, shapes, keys);
        }
    }
}
