using System.Text.Json.Nodes;
using LoraGen.Peft;
using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Variants;

/// <summary>
/// Some slices of a fused projection, each with an A and a B of rank 2 and alpha 3, against one float64 update per slice.
/// </summary>
public abstract class SlicesTests<TModel, TAdapter> : IDisposable
    where TModel : Module<Tensor, Tensor>, ILoraModel<TAdapter>
    where TAdapter : LoraAdapter
{
    protected const int In = 11;
    protected const int Width = 4;
    protected const int Out = 3 * Width;
    private const int Rank = 2;

    private readonly IDisposable _scope = NewDisposeScope();

    public static TheoryData<ScalarType> Dtypes => [ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16];

    protected abstract int[] Trained { get; }

    protected abstract bool IsTransposed { get; }

    protected abstract TModel Model(ScalarType dtype = ScalarType.Float32, int outputs = Out);

    protected abstract TAdapter Load(string folder, TModel model);

    [Fact]
    public void A_has_the_rank_of_all_slices_and_B_the_rows_of_the_trained_ones()
    {
        using var model = Model();
        using var adapter = model.CreateAdapter();
        var update = adapter.Updates[0];
        Assert.Equal([Rank * Trained.Length, In], update.A.shape);
        Assert.Equal([Width * Trained.Length, Rank], update.B.shape);
        Assert.Equal(new LoraScale(Rank, 3, false), update.Scale);
        Assert.All(Values.Flat(update.B), value => Assert.Equal(0, value));
        Assert.All(Values.Flat(update.A), value => Assert.InRange(Math.Abs(value), 0, 1 / Math.Sqrt(In)));
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void The_output_is_the_bases_and_that_of_each_slices_own_update(ScalarType dtype)
    {
        using var model = Model(dtype);
        using var adapter = model.CreateAdapter().Trained();
        var x = Base.Input(2, 5, In).to_type(dtype);
        var without = Values.Matrix(model.call(x.flatten(0, 1)));
        model.ActiveAdapter = adapter;

        var y = model.call(x);

        var (expected, found) = (new double[10, Out], Values.Matrix(y));
        Assert.Equal((dtype, Out), (y.dtype, (int)y.shape[^1]));
        for (var slice = 0; slice < 3; slice++)
        {
            var own = Slice(model, adapter.Updates[0], slice).Forward(Values.Matrix(x));
            for (var n = 0; n < 10; n++)
            {
                for (var o = 0; o < Width; o++)
                {
                    expected[n, (slice * Width) + o] = own[n, o];
                    if (!Trained.Contains(slice))
                        Assert.Equal(without[n, (slice * Width) + o], found[n, (slice * Width) + o]);
                }
            }
        }

        AssertNear(expected, found, dtype);
    }

    [Fact]
    public void The_gradients_of_A_and_B_are_each_slices_own()
    {
        using var model = Model(ScalarType.Float64);
        using var adapter = model.CreateAdapter().Trained();
        adapter.to(ScalarType.Float64);
        model.ActiveAdapter = adapter;
        var x = Base.Input(7, In).to_type(ScalarType.Float64).requires_grad_();
        var dy = Base.Input(7, Out).to_type(ScalarType.Float64);

        model.call(x).backward([dy]);

        var (update, dx) = (adapter.Updates[0], new double[7, In]);
        for (var slice = 0; slice < 3; slice++)
        {
            var own = Slice(model, update, slice).Gradients(Values.Matrix(x), Values.Matrix(dy.narrow(1, slice * Width, Width)));
            dx = Matrices.Zip(dx, own.X, (sum, value) => sum + value);
            if (Array.IndexOf(Trained, slice) is >= 0 and var i)
            {
                AssertNear(own.A, Values.Matrix(update.A.grad!.narrow(0, i * Rank, Rank)), ScalarType.Float64);
                AssertNear(own.B, Values.Matrix(update.B.grad!.narrow(0, i * Width, Width)), ScalarType.Float64);
            }
        }

        AssertNear(dx, Values.Matrix(x.grad!), ScalarType.Float64);
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void A_merge_changes_the_slices_and_Unmerge_restores_every_bit(ScalarType dtype)
    {
        using var model = Model(dtype);
        using var adapter = model.CreateAdapter().Trained();
        var before = Base.Bytes(model);
        LoraLinear[] slices = [.. Enumerable.Range(0, 3).Select(slice => Slice(model, adapter.Updates[0], slice))];

        model.Merge(adapter);

        var merged = Weight(model);
        for (var slice = 0; slice < 3; slice++)
            AssertNear(slices[slice].MergedWeight(), Values.Matrix(merged.narrow(0, slice * Width, Width)), dtype);
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_is_saved_as_one_update_that_is_zero_outside_the_slices_and_comes_back(bool rslora)
    {
        using var folder = new ScratchFolder();
        using var model = Model();
        using var adapter = model.CreateAdapter(new LoraConfig { UseRslora = rslora }).Trained();

        adapter.Save(folder.Path);

        var (count, update) = (Trained.Length, adapter.Updates[0]);
        var config = JsonNode.Parse(File.ReadAllText(folder.PathOf("adapter_config.json")))!;
        Assert.Equal(Rank * count, config["r"]!.GetValue<int>());
        Assert.Equal(3 * (rslora ? Math.Sqrt(count) : count), config["lora_alpha"]!.GetValue<double>(), tolerance: 1e-12);
        using (var file = PeftCheckpoint.Open(folder.Path))
        {
            Assert.Equal(["base_model.model.proj.lora_A.weight", "base_model.model.proj.lora_B.weight"], file.Tensors.Select(tensor => tensor.Key));
            Assert.Equal(update.Scale.Factor, file.Updates[0].Scale, tolerance: 1e-15);
            Assert.Equal(Base.Bytes(update.A), Base.Bytes(file.Read(file.Tensors[0])));
            var (b, own) = (Values.Matrix(file.Read(file.Tensors[1])), Values.Matrix(update.B));
            Assert.Equal((Out, Rank * count), (b.GetLength(0), b.GetLength(1)));
            for (var o = 0; o < Out; o++)
            {
                for (var k = 0; k < Rank * count; k++)
                    Assert.Equal(o / Width == Trained[k / Rank] ? own[(k / Rank * Width) + (o % Width), k % Rank] : 0, b[o, k]);
            }
        }

        using var loaded = Load(folder.Path, model);
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(loaded));
        Assert.Equal(Rank, loaded.Updates[0].Scale.Rank);
        Assert.Equal(update.Scale.Factor, loaded.Updates[0].Scale.Factor, tolerance: 1e-15);
        model.ActiveAdapter = loaded;
    }

    [Fact]
    public void A_file_of_other_slices_or_of_the_whole_projection_is_refused_by_the_key()
    {
        using var folder = new ScratchFolder();
        using var model = Model();
        using (var adapter = model.CreateAdapter().Trained())
        {
            adapter.Save(folder.Path);
        }

        var path = folder.PathOf("adapter_model.safetensors");
        var file = SafetensorsBytes.Parse(File.ReadAllBytes(path));
        var b = file.Tensors["base_model.model.proj.lora_B.weight"].Data;
        var outside = Enumerable.Range(0, 3).First(slice => slice != Trained[0]) * Width * Rank * Trained.Length;
        BitConverter.TryWriteBytes(b.AsSpan(outside * sizeof(float)), 1e-30f);
        File.WriteAllBytes(path, file.ToArray());

        var refusal = Assert.Throws<LoraException>(() => Load(folder.Path, model)).Message;

        Assert.Contains(path, refusal, StringComparison.Ordinal);
        Assert.Contains("base_model.model.proj.lora_B.weight: expected zeros outside the blocks of the slices [", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void An_output_that_the_slices_cannot_share_is_refused()
    {
        using var model = Model(outputs: 13);
        Assert.Contains("that 3 slices can share, found 13", Assert.Throws<LoraException>(() => model.CreateAdapter()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DoRA_is_refused()
    {
        using var model = Model();
        Assert.Contains("proj: UseDora: expected a value false where slices are adapted", Assert.Throws<LoraException>(() => model.CreateAdapter(new LoraConfig { UseDora = true })).Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _scope.Dispose();
        GC.SuppressFinalize(this);
    }

    private LoraLinear Slice(TModel model, LowRankUpdate update, int slice)
    {
        var i = Array.IndexOf(Trained, slice);
        return new LoraLinear(
            Values.Matrix(Weight(model).narrow(0, slice * Width, Width)),
            Values.Flat(model.state_dict()["proj.bias"].narrow(0, slice * Width, Width)),
            i < 0 ? new double[Rank, In] : Values.Matrix(update.A.narrow(0, i * Rank, Rank)),
            i < 0 ? new double[Width, Rank] : Values.Matrix(update.B.narrow(0, i * Width, Width)),
            3 / 2.0);
    }

    private Tensor Weight(TModel model) => model.state_dict()["proj.weight"] is var weight && IsTransposed ? weight.t() : weight;

    private static void AssertNear(double[,] expected, double[,] found, ScalarType dtype)
    {
        var size = expected.Cast<double>().Max(Math.Abs);
        Assert.Equal(expected.Length, found.Length);
        Assert.All(expected.Cast<double>().Zip(found.Cast<double>()), pair => Assert.Equal(pair.First, pair.Second, tolerance: 20 * Rounding.Unit(dtype) * size));
    }
}
