using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp.Modules;
using static LoraGen.Tests.Convolutions.OneConvolution;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Convolutions;

/// <summary>What becomes of a convolution's weight.</summary>
public sealed class MergeTests
{
    public static TheoryData<string, ScalarType, bool> Variants =>
    [
        .. from name in Each
           from dtype in new[] { ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16 }
           from useDora in new[] { false, true }
           select (name, dtype, useDora),
    ];

    [Theory]
    [MemberData(nameof(Variants))]
    public void Merge_writes_the_formula_and_Unmerge_restores_every_bit(string name, ScalarType dtype, bool useDora)
    {
        using var scope = NewDisposeScope();
        var convolution = All[name](dtype);
        using var model = Model(convolution);
        using var adapter = model.CreateAdapter(new LoraConfig { UseDora = useDora }).Trained();
        var (reference, before) = (Formula(convolution, adapter.Updates[0]), Base.Bytes(model));
        var expected = reference.MergedWeight();

        model.Merge(adapter);

        // The magnitude and its ratio are fp32.
        var tolerance = dtype == ScalarType.BFloat16 ? 1.1 * Rounding.BFloat16 : dtype == ScalarType.Float64 && !useDora ? 1e-14 : 8 * Rounding.Float32;
        AssertClose(expected, Values.Flat(convolution.weight), tolerance);
        Assert.Equal(["proj.weight"], before.Keys.Where(key => !before[key].SequenceEqual(Base.Bytes(model)[key])));

        model.Unmerge();

        Assert.Equal(before, Base.Bytes(model));
    }

    [Theory]
    [MemberData(nameof(OfEach))]
    public void Delta_has_the_shape_of_the_weight(string name)
    {
        using var scope = NewDisposeScope();
        var convolution = All[name](ScalarType.Float32);
        using var model = Model(convolution);
        using var adapter = model.CreateAdapter().Trained();

        var delta = adapter.Updates[0].Delta(ScalarType.Float64);

        Assert.Equal(convolution.weight.shape, delta.shape);
        AssertClose(Formula(convolution, adapter.Updates[0]).Delta, Values.Flat(delta), 1e-14);
    }

    [Fact]
    public void The_report_measures_it()
    {
        using var scope = NewDisposeScope();
        var convolution = Conv2d(3, 5, 3);
        using var model = (OneImage)Model(convolution);
        using var adapter = model.CreateAdapter().Trained();
        var reference = Formula(convolution, adapter.Updates[0]);

        var entry = Assert.Single(MergeReport.Of(model, adapter).Targets);

        Assert.Equal("proj", entry.Path);
        Assert.Equal(reference.Delta.Max(Math.Abs), entry.LargestChange, 1e-6);
        Assert.Equal(Norm(reference.Delta) / Norm(reference.Weight), entry.RelativeSize, 1e-6);

        static double Norm(double[] values) => Math.Sqrt(values.Sum(value => value * value));
    }

    [Fact]
    public void A_weight_that_would_not_be_finite_is_not_written()
    {
        using var model = Model(Conv2d(3, 5, 3));
        using var adapter = model.CreateAdapter().Trained();
        using (no_grad())
            adapter.Updates[0].B[2, 1, 0, 0] = float.NaN;
        var before = Base.Bytes(model);
        Assert.StartsWith("proj: expected finite weights after merging", Assert.Throws<LoraException>(() => model.Merge(adapter)).Message, StringComparison.Ordinal);
        Assert.Equal(before, Base.Bytes(model));
    }

    public static TheoryData<string> OfEach => [.. Each];
}
