using LoraGen.TorchZip;

namespace LoraGen.Peft;

/// <summary>The weights of an adapter that has no safetensors file.</summary>
internal static class PeftWeights
{
    private const string PickleFile = "adapter_model.bin";

    /// <exception cref="LoraException">There is no file of weights at all, or it is malformed.</exception>
    public static TorchZipFile OpenPickle(string folder)
    {
        var pickle = Path.Combine(folder, PickleFile);
        return Path.Exists(pickle)
            ? TorchZipFile.Open(pickle)
            : throw new LoraException($"{Path.Combine(folder, PeftKeys.WeightsFile)}: expected the weights of an adapter, found neither this file nor {PickleFile}.");
    }
}
