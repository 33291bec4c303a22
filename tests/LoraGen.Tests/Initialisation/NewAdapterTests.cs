using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Initialisation;

/// <summary>A new adapter: A from U(-1/sqrt(in), 1/sqrt(in)), B zero, and so no change of the output at all.</summary>
public sealed class NewAdapterTests
{
    [Fact]
    public void Has_B_zero_and_A_and_B_in_fp32()
    {
        using var model = new Tower();
        model.to(ScalarType.BFloat16);
        using var adapter = model.CreateAdapter();
        Assert.Equal(13, adapter.Updates.Count);
        Assert.All(adapter.Updates, update =>
        {
            Assert.Equal((ScalarType.Float32, ScalarType.Float32), (update.A.dtype, update.B.dtype));
            Assert.All(Values.Flat(update.B), value => Assert.Equal(0, value));
        });
    }

    [Fact]
    public void Has_A_of_rank_by_in_and_B_of_out_by_rank()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter();
        Assert.Equal([3, Tower.Width], adapter.floors[1].entrance.up.A.shape);
        Assert.Equal([Tower.Inner, 3], adapter.floors[1].entrance.up.B.shape);
        Assert.Equal([2, Tower.Inner], adapter.floors[1].entrance.down.A.shape);
        Assert.Equal([Tower.Width, 2], adapter.floors[1].entrance.down.B.shape);
    }

    [Fact]
    public void Is_the_same_for_the_same_generator_and_another_for_another()
    {
        using var model = new Tower();
        Assert.Equal(BytesOf(1), BytesOf(1));
        Assert.NotEqual(BytesOf(1)["lm_head.lora_A.weight"], BytesOf(2)["lm_head.lora_A.weight"]);

        Dictionary<string, byte[]> BytesOf(ulong seed)
        {
            using var generator = new Generator(seed, CPU);
            using var adapter = model.CreateAdapter(generator: generator);
            return Base.Bytes(adapter);
        }
    }

    [Fact]
    public void Without_a_generator_comes_from_torchs_global_one()
    {
        using var model = new Tower();
        manual_seed(3);
        using var first = model.CreateAdapter();
        manual_seed(3);
        using var second = model.CreateAdapter();
        Assert.Equal(Base.Bytes(first), Base.Bytes(second));
    }

    [Fact]
    public void Leaves_torchs_global_generator_alone_when_it_is_given_its_own()
    {
        using var model = new Tower();
        manual_seed(3);
        using var expected = rand(4);
        manual_seed(3);
        using var generator = new Generator(1, CPU);
        using var adapter = model.CreateAdapter(generator: generator);
        using var found = rand(4);
        Assert.Equal(Base.Bytes(expected), Base.Bytes(found));
    }

    [Fact]
    public void Draws_another_A_for_every_projection()
    {
        using var model = new Tower();
        using var adapter = model.CreateAdapter();
        Assert.Equal(13, adapter.Updates.Select(update => Convert.ToHexString(Base.Bytes(update.A))).Distinct().Count());
    }
}
