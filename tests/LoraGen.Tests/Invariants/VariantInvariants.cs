using LoraGen.Peft;
using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.Invariants;

/// <summary>What PEFT's and torchtune's tests hold of DoRA (tests/test_custom_models.py; tests/torchtune/modules/peft/test_dora.py).</summary>
public sealed class VariantInvariants : IDisposable
{
    private const string Key = "base_model.model.proj.lora_magnitude_vector";

    private readonly IDisposable _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    // PEFT's modules have the adapter's name in the key and a .weight behind it, and its files neither.
    [Fact]
    public void I24_The_magnitude_is_found_under_the_key_of_PEFTs_files_and_a_state_dict_of_its_modules_is_saved_with_it()
    {
        using var folder = new ScratchFolder();
        using var model = new OneTarget(6, 5);
        using var adapter = model.CreateAdapter(new LoraConfig { UseDora = true }).Trained();
        adapter.Save(folder.Path);
        var magnitude = Enumerable.Range(1, 5).SelectMany(value => BitConverter.GetBytes(0.25f * value)).ToArray();
        Edit(file => file.Tensors[Key] = file.Tensors[Key] with { Data = magnitude });
        using var loaded = OneTarget.Adapter.Load(folder.Path, model);
        Assert.Equal([0.25, 0.5, 0.75, 1, 1.25], Values.Flat(loaded.proj.Magnitude!));

        Edit(file =>
        {
            foreach (var name in new[] { "lora_A.weight", "lora_B.weight", "lora_magnitude_vector" })
            {
                var stem = name.Split('.')[0];
                file.Tensors.Remove($"base_model.model.proj.{name}", out var tensor);
                file.Tensors[$"base_model.model.proj.{stem}.default.weight"] = tensor!;
            }
        });
        using (var raw = PeftCheckpoint.Open(folder.Path))
            raw.Save(folder.PathOf("again"));
        var again = SafetensorsBytes.Parse(File.ReadAllBytes(folder.PathOf("again/adapter_model.safetensors")));
        Assert.Equal(["base_model.model.proj.lora_A.weight", "base_model.model.proj.lora_B.weight", Key], again.Tensors.Keys);
        Assert.Equal(magnitude, again.Tensors[Key].Data);

        void Edit(Action<SafetensorsBytes> edit)
        {
            var path = folder.PathOf("adapter_model.safetensors");
            var file = SafetensorsBytes.Parse(File.ReadAllBytes(path));
            edit(file);
            File.WriteAllBytes(path, file.ToArray());
        }
    }

    [Fact]
    public void I24_DoRA_merged_equals_DoRA_unmerged()
    {
        using var model = new OneTarget(6, 5);
        using var adapter = model.CreateAdapter(new LoraConfig { UseDora = true }).Trained();
        using (no_grad())
            adapter.proj.Magnitude!.mul_(1.5);
        var (state, x, before) = (model.state_dict(), Base.Input(3, 6), Base.Bytes(model));
        var lora = new LoraLinear(Values.Matrix(state["proj.weight"]), Values.Flat(state["proj.bias"]), Values.Matrix(adapter.proj.A), Values.Matrix(adapter.proj.B), 12 / 3.0);
        var expected = new DoraLinear(lora, Values.Flat(adapter.proj.Magnitude!)).Forward(Values.Matrix(x));
        model.ActiveAdapter = adapter;
        AssertIsFormula();
        model.Merge(adapter);
        AssertIsFormula();
        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
        model.ActiveAdapter = adapter;
        AssertIsFormula();

        void AssertIsFormula() => Assert.All(expected.Cast<double>().Zip(Values.Flat(model.call(x))), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    // torchtune wants a call of its own after to_empty(); here an adapter that exists has its magnitude.
    [Fact]
    public void I38_The_magnitude_of_a_new_DoRA_is_the_norm_of_each_row_and_on_the_meta_device_there_is_none()
    {
        using var model = new OneTarget(6, 5);
        using (var adapter = model.CreateAdapter(new LoraConfig { UseDora = true }))
        {
            var weight = Values.Matrix(model.get_parameter("proj.weight")!);
            Assert.Equal(Enumerable.Range(0, 5).Select(o => DoraLinear.Norm(weight, o)), Values.Flat(adapter.proj.Magnitude!), (a, b) => Math.Abs(a - b) < 1e-6);
        }

        model.to(META);
        Assert.Contains(
            "expected a base that has values, found it on the meta device",
            Assert.Throws<LoraException>(() => model.CreateAdapter(new LoraConfig { UseDora = true })).Message, StringComparison.Ordinal);
    }
}
