using System.Runtime.InteropServices;
using LoraGen.Tests.Files;
using LoraGen.Tests.ModulesToSave;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Biases;

/// <summary>
/// Adapters that own biases, rows and a bias of B, in whatever order they are attached, trained, merged, saved and loaded: the output is that
/// of a second base into which plain loops have written what the active or merged one holds, and the base has its bits when nothing is merged.
/// </summary>
public sealed class AnyOrderTests
{
    private static readonly LoraConfig[] Configs =
    [
        new LoraConfig { Rank = 2, Alpha = 3, Bias = TrainedBiases.All, TrainableTokenIndices = [6, 1] },
        new LoraConfig { Rank = 3, Alpha = 2, Bias = TrainedBiases.LoraOnly, LoraBias = true },
        new LoraConfig { Rank = 1, Alpha = 2, LoraBias = true, TrainableTokenIndices = [0] },
        new LoraConfig { TargetModules = [], TrainableTokenIndices = [3, 2], Bias = TrainedBiases.All, ModulesToSave = ["lm_head"] },
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void The_output_is_that_of_what_is_active_or_merged(int seed)
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        using var model = new Gpt().to(ScalarType.Float64);
        using var twin = new Gpt().to(ScalarType.Float64);
        var (random, bytes) = (new Random(seed), Base.Bytes(model));
        var adapters = Configs.Select((config, i) => model.CreateAdapter(config).Filled((ulong)(seed + i))).ToList();
        Gpt.Adapter? merged = null;
        for (var step = 0; step < 60; step++)
        {
            var number = random.Next(adapters.Count);
            var adapter = adapters[number];
            switch (random.Next(7))
            {
                case 0:
                    model.ActiveAdapter = merged is null ? adapter : null;
                    break;
                case 1:
                    model.ActiveAdapter = null;
                    break;
                case 2 when merged is null:
                    model.ActiveAdapter = null;
                    model.Merge(adapter);
                    merged = adapter;
                    break;
                case 3 when merged is not null:
                    model.Unmerge();
                    merged = null;
                    break;
                case 4:
                    adapter.Serving();
                    break;
                case 5 when model.ActiveAdapter is { } active:
                    active.train();
                    active.Frozen(false);
                    using (var optimizer = optim.SGD(active.parameters(), 0.01))
                    {
                        optimizer.zero_grad();
                        model.call(Ids()).square().mean().backward();
                        optimizer.step();
                        optimizer.zero_grad();
                    }

                    break;
                case 6 when merged is null:
                    // Files hold fp32, and what stands in for a float64 base is float64.
                    adapter.to(ScalarType.Float32);
                    adapter.Save(folder.Path);
                    adapters[number] = Gpt.Adapter.Load(folder.Path, model);
                    model.ActiveAdapter = ReferenceEquals(model.ActiveAdapter, adapter) ? adapters[number] : model.ActiveAdapter;
                    adapter.Dispose();
                    break;
                default:
                    break;
            }

            using var inference = no_grad();
            Write(model, twin, bytes, merged ?? model.ActiveAdapter);
            Assert.All(Values.Flat(twin.call(Ids())).Zip(Values.Flat(model.call(Ids()))), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-9 * (1 + Math.Abs(pair.First))));
            if (merged is null)
                Assert.Equal(bytes, Base.Bytes(model));
        }

        adapters.ForEach(adapter => adapter.Dispose());
    }

    private static Tensor Ids() => tensor(new long[] { 3, 1, 6, 0, 5, 3, 4, 2 }).view(2, 4);

    // The base's own bits first, then what the adapter makes of them.
    private static void Write(Gpt model, Gpt twin, Dictionary<string, byte[]> bytes, Gpt.Adapter? adapter)
    {
        foreach (var (key, value) in twin.state_dict())
            value.copy_(tensor(MemoryMarshal.Cast<byte, double>(bytes[key]).ToArray()).view(model.state_dict()[key].shape));
        foreach (var update in adapter?.modules().OfType<LowRankUpdate>() ?? [])
        {
            var (weight, bias) = (twin.get_parameter($"{update.Path}.weight")!, twin.get_parameter($"{update.Path}.bias"));
            if (update.IsSaved)
            {
                weight.copy_(update.Weight);
                continue;
            }

            foreach (var (row, id) in update.TokenIds.Index())
                weight[id].copy_(update.TokenRows![row]);
            if (adapter!.state_dict().Keys.FirstOrDefault(key => key == $"{update.Path}.bias" || key == $"{update.Path}.base_layer.bias") is { } own)
                bias!.copy_(adapter.state_dict()[own]);
            if (!update.IsTargeted)
                continue;

            var scale = update.Scale.Alpha / update.Scale.Rank;
            var lora = new LoraLinear(Matrices.Transpose(Values.Matrix(weight)), null, Values.Matrix(update.A), Values.Matrix(update.B), scale);
            weight.copy_(tensor(Matrices.Transpose(lora.MergedWeight())));
            if (update.BBias is { } ofB)
                bias!.copy_(tensor(Values.Flat(bias).Zip(Values.Flat(ofB), (b, value) => b + (scale * value)).ToArray()));
        }
    }
}
