namespace LoraGen.Tests.RealAdapters;

/// <summary>What is not implemented is refused by the file, the option and the value that ask for it.</summary>
public sealed class RefusedTests
{
    [Theory]
    [InlineData("NEG-gpt2-prompt-tuning", "adapter_config.json: peft_type", "expected LORA, found PROMPT_TUNING")]
    [InlineData("loralib-roberta-mnli", "adapter_config.json", "found no such file")]
    public void An_adapter_that_asks_for_more(string name, string place, string found)
    {
        var folder = SharedData.PathOf($"adapters/{name}");
        using var model = new PretendBase(model: new PretendBase.Stack());
        var refusal = Assert.Throws<LoraException>(() => PretendBase.Adapter.Load(folder, model));
        Assert.Contains(Path.Combine(folder, place), refusal.Message, StringComparison.Ordinal);
        Assert.Contains(found, refusal.Message, StringComparison.Ordinal);
    }
}
