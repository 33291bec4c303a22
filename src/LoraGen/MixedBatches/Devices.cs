using static TorchSharp.torch;

namespace LoraGen.MixedBatches;

/// <summary>Where tensors lie. Each look at a tensor's device makes a new object, which equals no other.</summary>
internal static class Devices
{
    /// <summary>Whether two tensors are on one device.</summary>
    public static bool IsBeside(this Tensor tensor, Tensor other)
        => tensor.device_type == other.device_type && tensor.device_index == other.device_index;
}
