using LoraGen;
using LoraGen.Files;
using LoraGen.Transformers.Llama;
using SdkDocs.Model;
using SdkDocs.Output;
using TorchSharp;
using static TorchSharp.torch;

namespace SdkDocs.FineTuning;

/// <summary>The main job: base, LoRA and full fine-tuning on the same text for the same number of steps, then proof of what an adapter promises.</summary>
internal sealed class FineTuneJob(FineTuneOptions options)
{
    // Chosen by hand out of a few values around them. LoRA wants several times the learning rate of full fine-tuning.
    private const double LoraLearningRate = 1e-2;
    private const double FullLearningRate = 2e-3;

    public void Run(CancellationToken cancellation)
    {
        var device = ComputeDevice.Of(options.Device);
        RequireWritable(options.Out);
        Console.WriteLine("Reading the documentation that this .NET SDK ships ...");
        var task = DocTask.Read(options.Packs, options.HeldOut, options.Seed);
        Console.WriteLine($"ASP.NET Core: {task.Train.Count} members to learn, {task.HeldOut.Count} held out; {task.TooLong} longer than {BaseModel.MaxTokens} tokens left out.");

        var method = new Method(task, new Judge(task, device), options, device);
        using var model = LlamaForCausalLM.Load(BaseModel.Folder, device: device);
        var results = new List<MethodResult> { method.Run("base", model, [], 0, () => FileSize(BaseModel.Folder, "model.safetensors"), cancellation) };

        using var adapter = model.CreateAdapter(
            new LoraConfig { TargetModulesPattern = LoraConfig.AllLinear, BaseModelNameOrPath = "sdkdocs-base", TaskType = "CAUSAL_LM" }, new Generator((ulong)options.Seed, device));
        model.ActiveAdapter = adapter;
        results.Add(method.Run("lora", model, [.. adapter.parameters()], LoraLearningRate, () => Save(adapter), cancellation));

        if (!options.SkipFull)
        {
            results.Add(FullFineTuning(method, device, cancellation));
        }

        ResultTable.Print(results);
        SideBySide.Print(task, results[0], results[1]);

        var proof = AdapterProof.Of(task, model, AdapterFolder, device);
        ProofLines.Print(proof, AdapterFolder);
        WriteReport(results, proof);
    }

    // Now, not after minutes of training.
    private static void RequireWritable(string folder)
    {
        var probe = Path.Combine(folder, "writable");
        AtomicFile.Write(probe, _ => { });
        File.Delete(probe);
    }

    private string AdapterFolder => Path.Combine(options.Out, "adapter");

    private MethodResult FullFineTuning(Method method, Device device, CancellationToken cancellation)
    {
        using var model = LlamaForCausalLM.Load(BaseModel.Folder, device: device);
        return method.Run("full", model, [.. model.parameters()], FullLearningRate, () => Save(model), cancellation);
    }

    private long Save(LlamaForCausalLM.Adapter adapter)
    {
        adapter.Save(AdapterFolder);
        Console.WriteLine($"Adapter saved in {AdapterFolder}.");
        return FileSize(AdapterFolder, "adapter_model.safetensors");
    }

    private long Save(LlamaForCausalLM model)
    {
        var folder = Path.Combine(options.Out, "full");
        model.Save(folder);
        return FileSize(folder, "model.safetensors");
    }

    private static long FileSize(string folder, string file) => new FileInfo(Path.Combine(folder, file)).Length;

    private void WriteReport(List<MethodResult> results, AdapterProof proof)
    {
        var path = Path.Combine(options.Out, "report.json");
        new Report
        {
            Methods = results,
            MaxReloadDifference = proof.MaxReloadDifference,
            MaxMergeDifference = proof.MaxMergeDifference,
            MaxMergeDifferenceFp32 = proof.MaxMergeDifferenceFp32,
            BaseRestoredBitExact = proof.BaseRestoredBitExact,
            Seed = options.Seed,
            Command = options.Command,
        }.Write(path);
        Console.WriteLine($"Report written to {path}.");
    }
}
