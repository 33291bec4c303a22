using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using TorchSharp.Modules;
using static LoraGen.Tests.Convolutions.OneConvolution;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Convolutions;

/// <summary>Which convolutions are adapted, how their A and B begin, and what is refused.</summary>
public sealed class SelectionTests
{
    [Fact]
    public void All_linear_leaves_convolutions_out()
    {
        using var model = new Features();
        using var adapter = model.CreateAdapter(new LoraConfig { TargetModulesPattern = LoraConfig.AllLinear });
        Assert.Equal(["head"], adapter.Updates.Select(update => update.Path));
    }

    [Fact]
    public void Several_groups_are_refused_where_they_are_targeted()
    {
        using var model = new Features();
        Assert.StartsWith("groups: groups: expected 1, found 2: PEFT's A takes in the channels of all groups", Refusal(() => model.CreateAdapter(new LoraConfig { TargetModules = ["groups"] })), StringComparison.Ordinal);
        using var adapter = model.CreateAdapter();
        Assert.Equal(["stem", "head"], adapter.Updates.Select(update => update.Path));
    }

    [Theory]
    [InlineData(LoraInit.Pissa)]
    [InlineData(LoraInit.Olora)]
    [InlineData(LoraInit.Orthogonal)]
    public void A_start_for_linear_layers_is_refused(LoraInit init)
    {
        using var model = Model(Conv2d(3, 5, 3));
        Assert.Contains(
            $"proj: Init: expected a value that a convolution can begin with: Kaiming, Gaussian or Random, found {init}",
            Refusal(() => model.CreateAdapter(new LoraConfig { Init = init, Rank = 2 })),
            StringComparison.Ordinal);
    }

    // nn.ConvNd's own start is Kaiming-uniform with a = sqrt(5), which is U(-1, 1) / sqrt(fan_in), and fan_in is in times the kernel.
    [Theory]
    [InlineData(LoraInit.Kaiming)]
    [InlineData(LoraInit.Gaussian)]
    [InlineData(LoraInit.Random)]
    public void A_and_B_begin_as_PEFTs_do(LoraInit init)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(11, CPU);
        using var model = Model(Conv2d(60, 300, (5, 2)));
        using var adapter = model.CreateAdapter(new LoraConfig { Rank = 40, Init = init }, generator);
        var (a, b) = (Values.Flat(adapter.Updates[0].A), Values.Flat(adapter.Updates[0].B));
        if (init == LoraInit.Gaussian)
        {
            // 24,000 values: the mean of their squares is that of the distribution within 5 sqrt(2 / 24,000), and two thirds lie within one deviation.
            Assert.InRange(a.Average(value => value * value) * 40 * 40, 0.95, 1.05);
            Assert.InRange(a.Count(value => Math.Abs(value) < 1.0 / 40) / (double)a.Length, 0.66, 0.70);
        }
        else
        {
            AssertIsUniform(a, 1 / Math.Sqrt(60 * 5 * 2));
        }

        if (init == LoraInit.Random)
            AssertIsUniform(b, 1 / Math.Sqrt(40));
        else
            Assert.All(b, value => Assert.Equal(0, value));
    }

    [Fact]
    public void An_adapter_of_another_kernel_is_refused()
    {
        using var model = new OneImage(Conv2d(3, 5, (3, 2)));
        using var other = new OneImage(Conv2d(3, 5, (2, 3)));
        using var adapter = other.CreateAdapter();
        Assert.StartsWith("proj: kernel_size: expected 3 x 2 as in the base, found 2 x 3 in the adapter", Refusal(() => model.ActiveAdapter = adapter), StringComparison.Ordinal);
    }

    [Fact]
    public void An_adapter_of_one_group_is_refused_where_there_are_two()
    {
        using var model = new OneImage(Conv2d(4, 4, 3, groups: 2));
        using var other = new OneImage(Conv2d(2, 4, 3));
        using var adapter = other.CreateAdapter();
        Assert.StartsWith("proj: groups: expected 1, found 2", Refusal(() => model.ActiveAdapter = adapter), StringComparison.Ordinal);
    }

    private static void AssertIsUniform(double[] values, double bound)
    {
        Assert.InRange(values.Max(Math.Abs) / bound, 0.999, 1.000001);
        Assert.InRange(values.Average(value => value * value) / bound / bound, (1.0 / 3) - 0.015, (1.0 / 3) + 0.015);
    }

    private static string Refusal(Action action) => Assert.Throws<LoraException>(action).Message;
}
