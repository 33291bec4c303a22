using System.CommandLine;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Cli.Commands;

/// <summary>Where a model comes from and how it is held: <c>--model</c>, <c>--device</c>, <c>--dtype</c>.</summary>
internal sealed class ModelOptions
{
    private static readonly Dictionary<string, ScalarType> Dtypes = new(StringComparer.Ordinal)
    {
        ["float32"] = ScalarType.Float32, ["bfloat16"] = ScalarType.BFloat16, ["float16"] = ScalarType.Float16,
    };

    private readonly Option<string> _dtype = new("--dtype") { Description = "auto (the checkpoint's), float32, bfloat16 or float16.", DefaultValueFactory = _ => "auto" };
    private readonly Option<string> _device = new("--device") { Description = "cpu, cuda or cuda:N.", DefaultValueFactory = _ => "cpu" };

    public ModelOptions()
    {
        _dtype.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is { } name && name != "auto" && !Dtypes.ContainsKey(name))
            {
                result.AddError($"--dtype: expected auto, {string.Join(", ", Dtypes.Keys)}, found '{name}'.");
            }
        });
        _device.Validators.Add(result =>
        {
            if (DeviceOf(result.GetValueOrDefault<string>()) is null)
            {
                result.AddError($"--device: expected cpu, cuda or cuda:N, found '{result.GetValueOrDefault<string>()}'.");
            }
        });
    }

    public Option<string> Model { get; } = new("--model") { Description = "A Hugging Face checkpoint folder: config.json, weights, tokenizer.", Required = true };

    public void AddTo(Command command)
    {
        command.Options.Add(Model);
        command.Options.Add(_dtype);
        command.Options.Add(_device);
    }

    public ScalarType? Dtype(ParseResult parse) => Dtypes.TryGetValue(parse.GetValue(_dtype)!, out var dtype) ? dtype : null;

    /// <exception cref="LoraException">TorchSharp finds no such device.</exception>
    public Device Device(ParseResult parse)
    {
        var device = DeviceOf(parse.GetValue(_device))!;
        if (device.type == DeviceType.CUDA && (!cuda.is_available() || device.index >= cuda.device_count()))
        {
            throw new LoraException($"--device {parse.GetValue(_device)}: TorchSharp finds {(cuda.is_available() ? $"{cuda.device_count()} CUDA devices" : "no CUDA")}; build with -p:TorchBackend=cuda, or use cpu.");
        }

        return device;
    }

    private static Device? DeviceOf(string? name) => name switch
    {
        "cpu" => CPU,
        "cuda" => CUDA,
        not null when name.StartsWith("cuda:", StringComparison.Ordinal) && byte.TryParse(name.AsSpan(5), out var index) => new Device(DeviceType.CUDA, index),
        _ => null,
    };
}
