using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Llama;

namespace LoraGen.Transformers.Tests.Llama;

/// <summary>Every option of the family, each on a model of a few thousand weights: what it must have besides, and nothing else.</summary>
internal static class FamilyConfigs
{
    private static readonly LlamaConfig Llama = TinyLlama.Config();
    private static readonly LlamaConfig Qwen2 = TinyLlama.Config() with { ModelType = "qwen2" };
    private static readonly LlamaConfig Qwen3 = TinyLlama.Config(tied: false) with { ModelType = "qwen3", HeadDim = 8 };

    // Long waves, so that a head of eight dimensions has slow ones and fast ones in 16 tokens.
    private static readonly RopeParameters Yarn = new() { RopeType = "yarn", Factor = 4, OriginalMaxPositionEmbeddings = 16, BetaFast = 2, BetaSlow = 0.25 };

    private static readonly Dictionary<string, LlamaConfig> All = new()
    {
        ["llama"] = Llama,
        ["llama, attention_bias"] = Llama with { AttentionBias = true },
        ["llama, mlp_bias"] = Llama with { MlpBias = true },
        ["llama, head_dim"] = Llama with { HeadDim = 10 },
        ["mistral, all tokens"] = Llama with { ModelType = "mistral" },
        ["mistral, sliding_window"] = Llama with { ModelType = "mistral", SlidingWindow = 3, HeadDim = 8 },
        ["qwen2"] = Qwen2,
        ["qwen2, a window that is not used"] = Qwen2 with { SlidingWindow = 3, MaxWindowLayers = 0 },
        ["qwen2, max_window_layers"] = Qwen2 with { UseSlidingWindow = true, SlidingWindow = 3, MaxWindowLayers = 1 },
        ["qwen2, layer_types"] = Qwen2 with { UseSlidingWindow = true, SlidingWindow = 2, LayerTypes = ["sliding_attention", "full_attention"] },
        ["qwen3"] = Qwen3,
        ["qwen3, attention_bias"] = Qwen3 with { AttentionBias = true },
        ["qwen3, max_window_layers"] = Qwen3 with { UseSlidingWindow = true, SlidingWindow = 4, MaxWindowLayers = 0 },
        ["rope linear"] = Rope(new() { RopeType = "linear", Factor = 4 }),
        ["rope dynamic"] = Rope(new() { RopeType = "dynamic", Factor = 2 }),
        ["rope llama3"] = Rope(new() { RopeType = "llama3", Factor = 8, LowFreqFactor = 0.5, HighFreqFactor = 2, OriginalMaxPositionEmbeddings = 16 }),
        ["rope yarn"] = Rope(Yarn),
        ["rope yarn, defaults"] = Rope(new() { RopeType = "yarn", Factor = 4 }),
        ["rope yarn, attention_factor"] = Rope(Yarn with { AttentionFactor = 1.3 }),
        ["rope yarn, mscale"] = Rope(Yarn with { Mscale = 0.7, MscaleAllDim = 1.2 }),
        ["rope yarn, not truncated"] = Rope(Yarn with { Truncate = false }),
        ["rope longrope"] = Rope(new() { RopeType = "longrope", OriginalMaxPositionEmbeddings = 16, ShortFactor = [1, 1.1, 1.2, 1.3], LongFactor = [2, 3, 4, 5] }),
    };

    public static TheoryData<string> Names => [.. All.Keys];

    public static LlamaConfig Of(string name) => All[name];

    private static LlamaConfig Rope(RopeParameters rope) => TinyLlama.Config() with { HeadDim = 8, RopeTheta = 100, RopeScaling = rope };
}
