using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Merging;

/// <summary>Where a weight's numbers lie. Two weights that share them are two objects of equal memory.</summary>
internal readonly record struct WeightMemory(DeviceType Device, int Index, nint Address)
{
    public static WeightMemory Of(Tensor weight)
        => new(weight.device_type, weight.device_index, new Start(weight).data_ptr() + (nint)(weight.storage_offset() * weight.ElementSize));

    // TorchSharp's storage<T>() knows neither bf16 nor fp16; the address that its base class finds is of any type and on any device.
    private sealed class Start(Tensor weight) : Storage(weight)
    {
        public override int element_size() => (int)_tensor.ElementSize;
    }
}
