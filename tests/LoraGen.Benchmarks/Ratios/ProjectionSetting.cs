using LoraGen.Benchmarks.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Benchmarks.Ratios;

/// <summary>One projection in three forms and an input for them, [1, tokens, width].</summary>
internal sealed class ProjectionSetting : IDisposable
{
    private readonly Projection.Adapter _adapter;
    private readonly Tensor _outputGradient;

    public ProjectionSetting(Device device, ScalarType dtype, int tokens)
    {
        (Tokens, IsHalf) = (tokens, dtype == ScalarType.BFloat16);
        (Plain, Adapted, ByHand) = (new PlainProjection(device, dtype), new Projection(device, dtype), new HandWrittenLora(device, dtype));
        _adapter = Adapted.CreateAdapter();
        Randoms.Fill(_adapter);
        Adapted.ActiveAdapter = _adapter;
        Input = randn(1, tokens, Projection.Width, dtype, device);
        _outputGradient = randn(1, tokens, Projection.Width, dtype, device);
    }

    public int Tokens { get; }

    public bool IsHalf { get; }

    public PlainProjection Plain { get; }

    public Projection Adapted { get; }

    public HandWrittenLora ByHand { get; }

    public Tensor Input { get; }

    public string Size => $"{(IsHalf ? "bf16" : "fp32")}, {Tokens} {(Tokens == 1 ? "token" : "tokens")}";

    /// <summary>One call of one of the forms.</summary>
    public Work Call(string name, nn.Module<Tensor, Tensor> form) => new($"{name}, {Size}", () => form.call(Input).Dispose());

    /// <summary>One call and the gradients of whatever wants one.</summary>
    public Work ForwardBackward(string name, nn.Module<Tensor, Tensor> form) => new($"{name}, {Size}", () =>
    {
        using var scope = NewDisposeScope();
        form.call(Input).backward([_outputGradient]);
    });

    public void Dispose()
    {
        Input.Dispose();
        _outputGradient.Dispose();
        _adapter.Dispose();
        Plain.Dispose();
        Adapted.Dispose();
        ByHand.Dispose();
    }
}
