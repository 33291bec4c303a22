using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Models;

/// <summary>What tests do to a base and to an adapter: look at every bit, and give B values, since a new B is zero.</summary>
internal static class Base
{
    /// <summary>The bytes of every tensor of a module, by key.</summary>
    public static Dictionary<string, byte[]> Bytes(nn.Module module)
        => module.state_dict().ToDictionary(item => item.Key, item => Bytes(item.Value));

    public static byte[] Bytes(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.detach().cpu().contiguous().bytes.ToArray();
    }

    /// <summary>Gives every A and B of an adapter values of about <paramref name="size"/>, as if it had been trained.</summary>
    public static TAdapter Trained<TAdapter>(this TAdapter adapter, ulong seed = 99, double size = 0.3)
        where TAdapter : LoraAdapter
    {
        using var inference = no_grad();
        using var generator = new Generator(seed, CPU);
        foreach (var update in adapter.Updates)
        {
            update.A.normal_(0, size, generator);
            update.B.normal_(0, size, generator);
        }

        return adapter;
    }

    /// <summary>A random input, the same for the same seed.</summary>
    public static Tensor Input(params long[] shape)
    {
        using var generator = new Generator(7, CPU);
        return randn(shape, generator: generator);
    }

    /// <summary>
    /// Makes a model compute with another's weights instead of its own, without a copy of them. <c>set_</c> lets each parameter look at
    /// the other's memory; the parameter objects stay two. Assigning the other's Parameter object itself would give it two owners:
    /// disposing or moving one model would take it from the other.
    /// </summary>
    public static TModel Sharing<TModel>(this TModel model, TModel other)
        where TModel : nn.Module
    {
        using var inference = no_grad();
        foreach (var (name, parameter) in model.named_parameters())
        {
            parameter.set_(other.get_parameter(name)!);
        }

        return model;
    }
}
