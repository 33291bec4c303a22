using System.Text.RegularExpressions;
using LoraGen;
using TorchSharp;
using static TorchSharp.torch;

namespace SdkDocs.Model;

/// <summary>The device that <c>--device</c> names.</summary>
internal static partial class ComputeDevice
{
    /// <exception cref="LoraException">The name is none of <c>cpu</c>, <c>cuda</c> and <c>cuda:N</c>, or there is no such GPU.</exception>
    public static Device Of(string name)
    {
        var match = Name().Match(name);
        if (!match.Success)
        {
            throw new LoraException($"--device: expected cpu, cuda or cuda:N, found '{name}'.");
        }

        if (name == "cpu")
        {
            return CPU;
        }

        var index = match.Groups["index"].Success ? int.Parse(match.Groups["index"].Value) : 0;
        var count = torch.cuda.is_available() ? torch.cuda.device_count() : 0;
        return index < count
            ? new Device(DeviceType.CUDA, index)
            : throw new LoraException($"--device: {name}: found {count} CUDA devices. With a GPU in the machine, build with -p:TorchBackend=cuda, or with system and LORAGEN_LIBTORCH (see the README).");
    }

    [GeneratedRegex(@"^(cpu|cuda(:(?<index>\d{1,3}))?)$")]
    private static partial Regex Name();
}
