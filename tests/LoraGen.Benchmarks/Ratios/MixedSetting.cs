using LoraGen.Benchmarks.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Benchmarks.Ratios;

/// <summary>A batch of equal parts, each with an adapter of its own, next to each other; all adapters serve and are frozen.</summary>
internal sealed class MixedSetting : IDisposable
{
    private readonly Projection _model;
    private readonly List<Projection.Adapter> _adapters;
    private readonly Dictionary<MixedForm, MixedBatch<Projection.Adapter>> _batches;
    private readonly Tensor _input;
    private readonly List<Tensor> _parts;
    private readonly string _size;

    public MixedSetting(Device device, int adapters, int rows, int tokens)
    {
        _size = $"{adapters} {(adapters == 1 ? "adapter" : "adapters")}, {rows} x {tokens} {(tokens == 1 ? "token" : "tokens")}";
        _model = new Projection(device, ScalarType.Float32);
        _adapters = [.. Enumerable.Range(0, adapters).Select(_ => _model.CreateAdapter())];
        foreach (var adapter in _adapters)
        {
            Randoms.Fill(adapter);
            adapter.Freeze();
        }

        _batches = Enum.GetValues<MixedForm>().ToDictionary(form => form, form => new MixedBatch<Projection.Adapter>(_model, form)
        {
            Rows = [.. Enumerable.Range(0, rows).Select(row => _adapters[row * adapters / rows])],
        });
        _input = randn(rows, tokens, Projection.Width, device: device);
        _parts = [.. _input.chunk(adapters)];
    }

    public Work OneAdapter => new("one adapter", () => Call(_adapters[0], _input));

    public Work OneCallForEach => new("a call for each", () =>
    {
        foreach (var (adapter, part) in _adapters.Zip(_parts))
        {
            Call(adapter, part);
        }
    });

    public Work Mixed(MixedForm form) => new($"{form}, {_size}", () => Call(_batches[form].Adapter, _input));

    // Swapping is a part of it where each adapter has a call of its own.
    private void Call(Projection.Adapter adapter, Tensor input)
    {
        _model.ActiveAdapter = adapter;
        _model.call(input).Dispose();
    }

    public void Dispose()
    {
        _parts.ForEach(part => part.Dispose());
        _input.Dispose();
        foreach (var batch in _batches.Values)
        {
            batch.Dispose();
        }

        _adapters.ForEach(adapter => adapter.Dispose());
        _model.Dispose();
    }
}
