using FsCheck;
using FsCheck.Fluent;
using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Sequences;

/// <summary>Any widths, rank, scale and number of rows, with DoRA and without: the formula when active, when merged, and out of the files.</summary>
public sealed class AnyShapeTests
{
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.BFloat16)]
    public void Is_the_formula(ScalarType dtype)
        => Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(200).WithReplay(20240817ul * ((ulong)dtype + 1), gamma: 0x9E3779B97F4A7C15),
            Prop.ForAll(Arb.From(Cases), item => Run(item, dtype)));

    private sealed record Case(int In, int Out, int Rank, double Alpha, bool Rslora, bool Dora, bool Bias, int Rows, int Seed);

    private static readonly Gen<Case> Cases =
        from inputs in Gen.Choose(1, 12)
        from outputs in Gen.Choose(1, 12)
        from rank in Gen.Choose(1, 14)
        from alpha in Gen.Elements(0.25, 1, 3, 16)
        from rslora in Gen.Elements(false, true)
        from dora in Gen.Elements(false, true)
        from bias in Gen.Elements(false, true)
        from rows in Gen.Choose(0, 4)
        from seed in Gen.Choose(0, 999)
        select new Case(inputs, outputs, rank, alpha, rslora, dora, bias, rows, seed);

    private static void Run(Case item, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        manual_seed(item.Seed);
        using var model = new OneTarget(item.In, item.Out, item.Bias, dtype);
        using var adapter = model.CreateAdapter(new LoraConfig { Rank = item.Rank, Alpha = item.Alpha, UseRslora = item.Rslora, UseDora = item.Dora }).Trained((ulong)item.Seed);
        var (state, before, x) = (model.state_dict(), Base.Bytes(model), Base.Input(item.Rows, item.In).to_type(dtype));
        var lora = new LoraLinear(
            Values.Matrix(state["proj.weight"]), item.Bias ? Values.Flat(state["proj.bias"]) : null, Values.Matrix(adapter.proj.A), Values.Matrix(adapter.proj.B),
            item.Alpha / (item.Rslora ? Math.Sqrt(item.Rank) : item.Rank));
        var dora = item.Dora ? new DoraLinear(lora, Values.Flat(adapter.proj.Magnitude!)) : null;

        var factors = FactorsOf(lora, dora);
        var (unit, roundings) = (Math.Max(Rounding.Unit(dtype), item.Dora ? Rounding.Float32 : 0), Rounding.Count(dtype, lora.Roundings + item.In + 8, stored: 10));

        model.ActiveAdapter = adapter;
        AssertIsFormula();
        adapter.Save(folder.Path);
        using var loaded = OneTarget.Adapter.Load(folder.Path, model);
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(loaded));
        model.ActiveAdapter = loaded;
        AssertIsFormula();

        model.Merge(loaded);
        var weight = Values.Matrix(model.get_parameter("proj.weight")!);
        Rounding.AssertWithin(
            Matrices.Transpose(dora?.MergedWeight() ?? lora.MergedWeight()), Matrices.Transpose(weight), Times(Matrices.Transpose(lora.Absolute().MergedWeight())), unit, roundings);
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));

        void AssertIsFormula()
        {
            var rows = Values.Matrix(x);
            Rounding.AssertWithin(
                dora?.Forward(rows) ?? lora.Forward(rows), Values.Matrix(model.call(x)), Times(lora.Absolute().Forward(Matrices.Abs(rows))), unit, roundings);
        }

        double[,] Times(double[,] sizes)
        {
            for (var n = 0; n < sizes.GetLength(0); n++)
            {
                for (var o = 0; o < item.Out; o++)
                    sizes[n, o] *= factors[o];
            }

            return sizes;
        }
    }

    // What an error in W or B A becomes in each output: with DoRA m / ||V|| times as much, twice W x beside it, and more where W and s B A
    // nearly cancel, since ||V|| is then a small difference.
    private static double[] FactorsOf(LoraLinear lora, DoraLinear? dora)
    {
        if (dora is null)
            return [.. Enumerable.Repeat(1.0, lora.Weight.GetLength(0))];
        var (sizes, merged) = (lora.Absolute().MergedWeight(), lora.MergedWeight());
        return [.. dora.Ratio.Select((ratio, o) => 2 + (ratio * Math.Pow(DoraLinear.Norm(sizes, o) / DoraLinear.Norm(merged, o), 2)))];
    }
}
