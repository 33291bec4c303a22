using LoraGen;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Sample.@namespace;

/// <summary>Keywords wherever C# has a name: namespace, class, type parameter, fields, method.</summary>
/// <typeparam name="params">A type parameter.</typeparam>
[LoraModel]
public sealed partial class @class<@params> : Module<Tensor, Tensor>
{
    [LoraTarget] private readonly Linear @event;
    [LoraTarget(Name = "return")] private readonly Linear @in;
    private readonly Block? @new;
    private readonly ModuleList<Block> @this;

    /// <summary>new(in(event(x))), then each of this.</summary>
    public @class(long width)
        : base("class")
    {
        (@event, @in) = (Linear(width, 3), Linear(3, width));
        (@new, @this) = (new Block(width), [new Block(width)]);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x) => @this[0].call(@new!.call(@return(Event(x))));
}
