#if ONNX_RUNTIME
using LoraGen.Tests.RealAdapters;
using LoraGen.Transformers.Gpt2;
using LoraGen.Transformers.Tests.Reference;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
#endif

namespace LoraGen.Transformers.Tests.Gpt2;

/// <summary>Logits equal those of another program, on a model that others trained and exported.</summary>
public sealed class OnnxRuntimeTests
{
#if ONNX_RUNTIME
    // fp32 on both sides, through four layers.
    [Theory]
    [InlineData(49, 2, 8, 14, 17, 22, 25)]
    [InlineData(0)]
    [InlineData(52, 51, 50, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)]
    public void Of_capp_gpt_equal_ONNX_Runtimes(params int[] ids)
    {
        using var session = new InferenceSession(SharedData.PathOf("lm/capp-gpt/model.onnx"));
        using var results = session.Run([.. session.InputMetadata.Select(input => Input(input.Key, input.Value, ids))], ["logits"]);
        var expected = results[0].AsEnumerable<float>().Select(logit => (double)logit).Chunk(53);
        using var model = Gpt2LMHeadModel.Load(SharedData.PathOf("lm/capp-gpt/hf"));
        TinyModel.AssertClose(expected, TinyGpt2.Logits(model, ids), tolerance: 1e-5);
    }

    private static NamedOnnxValue Input(string name, NodeMetadata metadata, int[] ids)
    {
        return name switch
        {
            "input_ids" => Row(ids),
            "attention_mask" => Row(ids.Select(_ => 1)),
            "position_ids" => Row(Enumerable.Range(0, ids.Length)),
            _ when name.StartsWith("past_key_values", StringComparison.Ordinal)
                => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<float>(Array.Empty<float>(), [1, metadata.Dimensions[1], 0, metadata.Dimensions[3]])),
            _ => throw new InvalidOperationException($"The exported model has an input that this test does not know: {name}."),
        };

        NamedOnnxValue Row(IEnumerable<int> values)
            => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<long>(values.Select(value => (long)value).ToArray(), [1, ids.Length]));
    }
#else
    [Fact(Skip = "Needs ONNX Runtime: dotnet test tests/LoraGen.Transformers.Tests -p:OnnxRuntime=true.")]
    public void Of_capp_gpt_equal_ONNX_Runtimes()
    {
    }
#endif
}
