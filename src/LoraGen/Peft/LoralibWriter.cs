using LoraGen.TorchZip;
using static TorchSharp.torch;

namespace LoraGen.Peft;

/// <summary>Writes an adapter in loralib's layout.</summary>
internal static class LoralibWriter
{
    /// <returns>The one alpha of all layers.</returns>
    public static double Write(PeftCheckpoint checkpoint, string file)
    {
        var alphas = checkpoint.Updates.Select(update => update.Alpha).Distinct().ToList();
        if (alphas.Count != 1)
        {
            throw new LoraException($"{checkpoint.WeightsPath}: loralib has one alpha for all layers: expected one, found [{string.Join(", ", alphas.Select(alpha => FormattableString.Invariant($"{alpha}")))}].");
        }

        foreach (var (option, isOn) in new[] { ("use_rslora", checkpoint.Config.UseRslora), ("use_dora", checkpoint.Config.UseDora) })
        {
            if (isOn)
            {
                throw new LoraException($"{checkpoint.WeightsPath}: {option}: expected an adapter without it, since loralib does not have it.");
            }
        }

        // loralib's convolutions have A and B in a layout of their own, with the kernel in both.
        if (checkpoint.Updates.FirstOrDefault(update => update.A.Shape.Count > 2) is { } convolution)
        {
            throw new LoraException($"{checkpoint.WeightsPath}: {convolution.A.Key}: expected linear layers and embeddings, found a convolution, whose tensors loralib lays out otherwise.");
        }

        using var scope = NewDisposeScope();
        using var inference = no_grad();
        TorchZipWriter.Write(file, [.. checkpoint.Tensors.Where(tensor => tensor.Kind != PeftTensorKind.Original).Select(tensor => KeyValuePair.Create(KeyOf(checkpoint, tensor), checkpoint.Read(tensor)))]);
        return alphas[0];
    }

    private static string KeyOf(PeftCheckpoint checkpoint, PeftTensor tensor) => tensor.Kind switch
    {
        PeftTensorKind.A or PeftTensorKind.EmbeddingA => $"{tensor.Path}.lora_A",
        PeftTensorKind.B or PeftTensorKind.EmbeddingB => $"{tensor.Path}.lora_B",
        PeftTensorKind.BaseLayer when tensor.Name == "base_layer.bias" => $"{tensor.Path}.bias",
        PeftTensorKind.Saved => tensor.Path.Length == 0 ? tensor.Name : $"{tensor.Path}.{tensor.Name}",
        _ => throw new LoraException($"{checkpoint.WeightsPath}: {tensor.Key}: expected A, B or a module that was trained whole, found {tensor.Kind}, which loralib does not have."),
    };
}
