using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Tests.Variants;

/// <summary>DoRA of an embedding: one magnitude for each component of its vectors.</summary>
public sealed class DoraEmbeddingTests : DoraTests<OneEmbedding, OneEmbedding.Adapter>
{
    protected override bool IsTransposed => true;

    protected override string[] Keys => ["base_model.model.proj.lora_embedding_A", "base_model.model.proj.lora_embedding_B", "base_model.model.proj.lora_magnitude_vector"];

    protected override OneEmbedding Model(ScalarType dtype, int inputs, int outputs) => new(inputs, outputs, dtype);

    protected override OneEmbedding.Adapter Load(string folder, OneEmbedding model) => OneEmbedding.Adapter.Load(folder, model);

    protected override Tensor Input(ScalarType dtype) => tensor(new long[] { 4, 0, In - 1, 4, 17, 9, 20, 2, 4, 11 }).view(2, 5);

    protected override double[,] Rows(Tensor input)
    {
        var ids = Values.Flat(input);
        var rows = new double[ids.Length, In];
        for (var n = 0; n < ids.Length; n++)
            rows[n, (int)ids[n]] = 1;
        return rows;
    }
}
