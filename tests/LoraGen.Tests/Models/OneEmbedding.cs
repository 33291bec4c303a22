using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Models;

/// <summary>One embedding and nothing else, so that the model's output is the embedding's.</summary>
[LoraModel]
public sealed partial class OneEmbedding : Module<Tensor, Tensor>
{
    // A test shows that the dropout has no effect, as the diagnostic says.
#pragma warning disable LORA024
    [LoraTarget(Rank = 3, Alpha = 12, Dropout = 0.5)] private readonly Embedding proj;
#pragma warning restore LORA024

    public OneEmbedding(long ids, long width, ScalarType dtype = ScalarType.Float32, long? paddingIdx = null, double? maxNorm = null)
        : base(nameof(OneEmbedding))
    {
        proj = Embedding(ids, width, paddingIdx, maxNorm, dtype: dtype);
        RegisterComponents();
    }

    public override Tensor forward(Tensor ids) => Proj(ids);
}
