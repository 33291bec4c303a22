using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A target of each kind of projection, and one that is not adapted by default.</summary>
public sealed class KindsTests() : ShapeTests<Kinds, Kinds.Adapter>(new Kinds(Width))
{
    protected override string[] BaseKeys => ["wte.weight", "c_attn.weight", "c_attn.bias", "score.weight", "score.bias", "lm_head.weight"];

    protected override string[] Targets => ["wte", "c_attn", "score"];

    protected override string[] AdapterKeys =>
    [
        "wte.lora_embedding_A", "wte.lora_embedding_B", "c_attn.lora_A.weight", "c_attn.lora_B.weight", "score.lora_A.weight", "score.lora_B.weight",
    ];

    protected override double[] Forward(Reference of, double[] x) => of.Plain("lm_head", of.Target("score", Reference.Sum(
        of.Conv1DTarget("c_attn", x, rank: 2, alpha: 5),
        of.EmbeddingTarget("wte", id: x.Count(value => value > 0), ids: Width + 1, rank: 3, alpha: 6))));

    protected override Kinds.Adapter Load(string folder, Kinds model) => Kinds.Adapter.Load(folder, model);
}
