using System.Text.Json.Nodes;
using LoraGen.Tests.Reference;
using LoraGen.Transformers.Llama;
using LoraGen.Transformers.Tests.Checkpoints;
using LoraGen.Transformers.Tests.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Invariants;

/// <summary>
/// What torchtune's tests hold of QLoRA (tests/torchtune/modules/peft/test_lora.py). TorchSharp has no 4-bit tensors and LoraGen no quantised
/// bases: they are refused by name. The narrowest base there is has bf16 in the place of NF4.
/// </summary>
public sealed class QuantisationInvariants : IDisposable
{
    private const string Key = "model.layers.1.self_attn.k_proj.weight";

    private readonly TinyCheckpoint _saved = new();
    private readonly IDisposable _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _saved.Dispose();
    }

    // Both spellings: the options of bitsandbytes, and a checkpoint that was written quantised, its absmax beside each weight.
    [Fact]
    public void I30_A_quantised_base_is_refused_by_the_key_that_says_so()
    {
        var weights = File.ReadAllBytes(_saved.Weights);
        _saved.Edit(file =>
        {
            file.Tensors[Key] = new SafetensorsBytes.Stored("U8", [12 * 24 / 2, 1], new byte[12 * 24 / 2]);
            file.Tensors[$"{Key}.absmax"] = new SafetensorsBytes.Stored("F32", [5], new byte[20]);
        });
        _saved.Refused(_saved.Weights, $"unexpected: [{Key}.absmax]");
        _saved.Edit(file => file.Tensors.Remove($"{Key}.absmax"));
        _saved.Refused(_saved.Weights, Key, "expected shape [12, 24]", "found [144, 1]");

        File.WriteAllBytes(_saved.Weights, weights);
        _saved.EditJson("config.json", config => config["quantization_config"] = new JsonObject { ["load_in_4bit"] = true, ["quant_method"] = "bitsandbytes" });
        _saved.Refused(_saved.PathOf("config.json"), "quantization_config");
    }

    [Fact]
    public void I31_The_forward_pass_over_a_narrow_file_is_that_over_its_widened_weights()
    {
        using var widened = LlamaForCausalLM.Load(_saved.Folder);
        using (no_grad())
        {
            foreach (var parameter in widened.parameters())
                parameter.copy_(tensor(Narrowed(parameter)).view(parameter.shape));
        }

        using (var narrow = LlamaForCausalLM.Load(_saved.Folder, ScalarType.BFloat16))
            narrow.Save(_saved.Folder);
        using var loaded = LlamaForCausalLM.Load(_saved.Folder, ScalarType.Float32);

        Assert.Equal(Logits(widened), Logits(loaded));

        static double[][] Logits(LlamaForCausalLM model)
        {
            using var generator = new Generator(4, CPU);
            using var adapter = model.CreateAdapter(generator: generator);
            TinyLlama.Randomize(adapter);
            model.ActiveAdapter = adapter;
            return TinyLlama.Logits(model, TinyLlama.Ids(3, 18, 0, 7));
        }
    }

    [Fact]
    public void I32_A_state_dict_holds_floating_point_numbers_alone_and_is_narrowed_alike_each_time_it_is_loaded()
    {
        using var wide = LlamaForCausalLM.Load(_saved.Folder);
        for (var time = 0; time < 2; time++)
        {
            using var narrow = LlamaForCausalLM.Load(_saved.Folder, ScalarType.BFloat16);
            foreach (var (key, value) in narrow.state_dict())
            {
                Assert.Equal(ScalarType.BFloat16, value.dtype);
                Assert.Equal(Narrowed(wide.state_dict()[key]).Select(number => (double)number), Values.Flat(value));
            }

            narrow.Save(_saved.Folder);
        }
    }

    // The bf16 number nearest to each fp32 number, ties to the even one.
    private static float[] Narrowed(Tensor tensor)
        => [.. Values.Flat(tensor).Select(value => BitConverter.SingleToUInt32Bits((float)value)).Select(bits => BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000))];
}
