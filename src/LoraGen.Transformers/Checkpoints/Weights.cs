using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Llama;

internal static class Weights
{
    /// <summary>
    /// A projection [out, in] without bias whose weight is not initialised: a checkpoint or <see cref="LlamaForCausalLM.Initialize"/>
    /// writes it, and TorchSharp's own constructor would spend seconds on random numbers that nobody reads.
    /// </summary>
    public static Linear Linear(long inFeatures, long outFeatures) => nn.Linear(new Parameter(empty(outFeatures, inFeatures)));
}
