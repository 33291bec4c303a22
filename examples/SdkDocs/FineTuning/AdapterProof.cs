using LoraGen.Training.Data;
using LoraGen.Transformers.Llama;
using SdkDocs.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace SdkDocs.FineTuning;

/// <summary>What saving, reloading, merging and unmerging do to the logits and to the base.</summary>
/// <param name="MaxReloadDifference">Largest difference of a logit between the trained adapter and the one read back into a fresh base.</param>
/// <param name="MaxMergeDifference">Largest difference of a logit between the unmerged and the merged model.</param>
/// <param name="MaxMergeDifferenceFp32">The same with the base held in fp32: what is left when the weights are not rounded to bf16.</param>
/// <param name="LargestLogit">Largest absolute logit, to judge the differences by.</param>
/// <param name="BaseRestoredBitExact">Whether every tensor of the base has, after unmerging, the bytes that it had before.</param>
internal sealed record AdapterProof(double MaxReloadDifference, double MaxMergeDifference, double MaxMergeDifferenceFp32, double LargestLogit, bool BaseRestoredBitExact)
{
    private const int Rows = 32;

    /// <summary>Tries it on the first held-out members.</summary>
    /// <param name="task">Where the members come from.</param>
    /// <param name="trained">The model with the trained adapter active.</param>
    /// <param name="adapterFolder">Where that adapter was saved.</param>
    /// <param name="device">Where to compute.</param>
    public static AdapterProof Of(DocTask task, LlamaForCausalLM trained, string adapterFolder, Device device)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        using var batch = TokenBatch.Of([.. task.HeldOut.Take(Rows).Select(pair => pair.Example)], task.Tokenizer.EndId, device);

        using var fresh = LlamaForCausalLM.Load(BaseModel.Folder, device: device);
        var before = Bytes(fresh);
        using var reloaded = LlamaForCausalLM.Adapter.Load(adapterFolder, fresh);
        fresh.ActiveAdapter = reloaded;
        var unmerged = fresh.forward(batch.Ids);
        var reloadDifference = Difference(trained.forward(batch.Ids), unmerged);

        fresh.Merge(reloaded);
        var mergeDifference = Difference(unmerged, fresh.forward(batch.Ids));
        fresh.Unmerge();
        return new AdapterProof(reloadDifference, mergeDifference, MergeDifferenceFp32(batch.Ids, adapterFolder, device), unmerged.abs().max().to_type(ScalarType.Float32).item<float>(), SameBytes(before, Bytes(fresh)));
    }

    private static double MergeDifferenceFp32(Tensor ids, string adapterFolder, Device device)
    {
        using var wide = LlamaForCausalLM.Load(BaseModel.Folder, ScalarType.Float32, device);
        using var adapter = LlamaForCausalLM.Adapter.Load(adapterFolder, wide);
        wide.ActiveAdapter = adapter;
        var unmerged = wide.forward(ids);
        wide.Merge(adapter);
        return Difference(unmerged, wide.forward(ids));
    }

    private static double Difference(Tensor left, Tensor right)
        => (left.to_type(ScalarType.Float32) - right.to_type(ScalarType.Float32)).abs().max().item<float>();

    private static Dictionary<string, byte[]> Bytes(LlamaForCausalLM model)
        => model.state_dict().ToDictionary(item => item.Key, item => item.Value.detach().cpu().contiguous().bytes.ToArray());

    private static bool SameBytes(Dictionary<string, byte[]> left, Dictionary<string, byte[]> right)
        => left.Count == right.Count && left.All(item => item.Value.AsSpan().SequenceEqual(right[item.Key]));
}
