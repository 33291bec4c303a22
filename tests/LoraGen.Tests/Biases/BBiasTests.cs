using LoraGen.Tests.Files;
using LoraGen.Tests.ModulesToSave;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LoraGen.Tests.Biases;

/// <summary>
/// <c>lora_bias</c>: y = W0 x + b + s (B A x + b_B), against the float64 loops with b + s b_B in place of b. The projection's key is
/// <c>proj</c>, its rank 3, its alpha 12.
/// </summary>
public abstract class BBiasTests<TModel, TAdapter> : IDisposable
    where TModel : Module<Tensor, Tensor>, ILoraModel<TAdapter>
    where TAdapter : LoraAdapter
{
    private const int In = 8;
    private const int Out = 5;
    private const double Scale = 12 / 3.0;

    private readonly IDisposable _scope = NewDisposeScope();

    private static readonly LoraConfig WithBias = new() { LoraBias = true };

    public static TheoryData<ScalarType> Dtypes => [ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16];

    protected abstract TModel Model(ScalarType dtype = ScalarType.Float32);

    protected abstract TAdapter Load(string folder, TModel model);

    /// <summary>Whether the weight is [in, out].</summary>
    protected abstract bool IsTransposed { get; }

    public void Dispose()
    {
        _scope.Dispose();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void A_new_adapter_leaves_every_bit_of_the_output(ScalarType dtype)
    {
        using var model = Model(dtype);
        var x = Input(dtype).view(-1, In); // As one matrix, which torch rounds in bf16 as the update's rows are.
        var before = Base.Bytes(model.call(x));
        using var adapter = model.CreateAdapter(WithBias);
        model.ActiveAdapter = adapter;

        Assert.Equal(before, Base.Bytes(model.call(x)));
        Assert.Equal(new double[Out], Values.Flat(adapter.Updates[0].BBias!));
    }

    [Fact]
    public void A_random_start_draws_it_as_a_linear_layer_of_r_inputs_does()
    {
        using var model = Model();
        using var adapter = model.CreateAdapter(WithBias with { Init = LoraInit.Random });
        var bias = Values.Flat(adapter.Updates[0].BBias!);
        Assert.All(bias, value => Assert.InRange(Math.Abs(value), 1e-9, 1 / Math.Sqrt(3)));
        Assert.Equal(Out, bias.Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void The_output_is_the_formula(ScalarType dtype)
    {
        using var model = Model(dtype);
        using var adapter = model.CreateAdapter(WithBias).Filled();
        model.ActiveAdapter = adapter;
        AssertIsFormula(model, adapter, Input(dtype), dtype);
    }

    [Fact]
    public void The_gradients_are_the_slopes_of_the_forward_pass_and_the_base_has_none()
    {
        using var model = Model(ScalarType.Float64);
        using var adapter = model.CreateAdapter(WithBias).Filled();
        adapter.to(ScalarType.Float64);
        model.ActiveAdapter = adapter;
        var (x, weights) = (Input(ScalarType.Float64), Base.Input(2, 3, Out).to_type(ScalarType.Float64));
        Slopes.AssertAreGradients(adapter, () => (model.call(x) * weights).sum());
        Assert.Equal(3, adapter.parameters().Count());
        Assert.All(model.parameters(), parameter => Assert.Null(parameter.grad));
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void The_merged_bias_is_the_bases_plus_s_b_rounded_once_and_Unmerge_restores_every_bit(ScalarType dtype)
    {
        using var model = Model(dtype);
        using var adapter = model.CreateAdapter(WithBias).Filled();
        var (before, old, own) = (Base.Bytes(model), Values.Flat(Parameter(model, "bias")), Values.Flat(adapter.Updates[0].BBias!));

        model.Merge(adapter);

        var wide = dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        Assert.All(
            old.Zip(own, Values.Flat(Parameter(model, "bias"))),
            item => Assert.Equal(Rounding.Nearest(dtype, item.First + Rounding.Nearest(wide, Scale * item.Second)), item.Third, tolerance: 2 * Rounding.Unit(wide) * (Math.Abs(item.First) + Math.Abs(Scale * item.Second))));
        Assert.Equal(["proj.bias", "proj.weight"], before.Keys.Where(key => !before[key].SequenceEqual(Base.Bytes(model)[key])).Order(StringComparer.Ordinal));

        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
    }

    [Fact]
    public void The_merged_output_is_that_of_the_active_adapter()
    {
        using var model = Model();
        using var adapter = model.CreateAdapter(WithBias).Filled();
        var x = Input(ScalarType.Float32);
        model.ActiveAdapter = adapter;
        var active = Values.Flat(model.call(x));

        model.Merge(adapter);

        Assert.All(active.Zip(Values.Flat(model.call(x))), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-5 * (1 + Math.Abs(pair.First))));
        model.Unmerge();
    }

    [Fact]
    public void A_bias_that_is_not_finite_is_refused_before_the_base_is_touched()
    {
        using var model = Model();
        using var adapter = model.CreateAdapter(WithBias).Filled();
        using (no_grad())
        {
            adapter.Updates[0].BBias![2] = double.PositiveInfinity;
        }

        var before = Base.Bytes(model);
        Assert.StartsWith("proj: expected finite weights", Assert.Throws<LoraException>(() => model.Merge(adapter)).Message, StringComparison.Ordinal);
        Assert.Equal(before, Base.Bytes(model));
    }

    [Fact]
    public void A_saved_adapter_has_PEFTs_keys_and_comes_back()
    {
        using var folder = new ScratchFolder();
        using var model = Model();
        using var adapter = model.CreateAdapter(WithBias).Filled();
        adapter.Save(folder.Path);

        var saved = SafetensorsBytes.Parse(File.ReadAllBytes(folder.PathOf("adapter_model.safetensors")));
        Assert.Equal(
            ["base_model.model.proj.lora_A.weight", "base_model.model.proj.lora_B.bias", "base_model.model.proj.lora_B.weight"], saved.Tensors.Keys);
        Assert.Equal([Out], saved.Tensors["base_model.model.proj.lora_B.bias"].Shape);
        Assert.Contains("\"lora_bias\": true", File.ReadAllText(folder.PathOf("adapter_config.json")), StringComparison.Ordinal);
        using var loaded = Load(folder.Path, model);
        Assert.Equal(Base.Bytes(adapter), Base.Bytes(loaded));

        saved.Tensors.Remove("base_model.model.proj.lora_B.bias");
        File.WriteAllBytes(folder.PathOf("adapter_model.safetensors"), saved.ToArray());
        Assert.Contains("missing: [base_model.model.proj.lora_B.bias]", Assert.Throws<LoraException>(() => Load(folder.Path, model)).Message, StringComparison.Ordinal);
        saved.Tensors["base_model.model.proj.lora_B.bias"] = new SafetensorsBytes.Stored("F32", [3], new byte[12]);
        File.WriteAllBytes(folder.PathOf("adapter_model.safetensors"), saved.ToArray());
        Assert.Contains("proj.lora_B.bias: expected shape [5], found [3]", Assert.Throws<LoraException>(() => Load(folder.Path, model)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_it_the_config_does_not_name_an_option_that_an_older_PEFT_would_fail_on()
    {
        using var folder = new ScratchFolder();
        using var model = Model();
        using var adapter = model.CreateAdapter();
        adapter.Save(folder.Path);
        Assert.DoesNotContain("lora_bias", File.ReadAllText(folder.PathOf("adapter_config.json")), StringComparison.Ordinal);
    }

    // A frozen adapter keeps b_B in the base's dtype too, until it is in training mode again.
    [Fact]
    public void A_serving_adapter_computes_the_same()
    {
        using var inference = no_grad();
        using var model = Model(ScalarType.BFloat16);
        model.eval();
        using var adapter = model.CreateAdapter(WithBias).Filled();
        model.ActiveAdapter = adapter;
        var x = Input(ScalarType.BFloat16);
        var expected = Base.Bytes(model.call(x));

        adapter.Serving();

        Assert.Equal(expected, Base.Bytes(model.call(x)));
        Assert.Equal(expected, Base.Bytes(model.call(x)));
        adapter.train();
        adapter.Updates[0].BBias!.add_(1);
        adapter.eval();
        AssertIsFormula(model, adapter, x, ScalarType.BFloat16);
    }

    [Theory]
    [InlineData(MixedForm.Loop)]
    [InlineData(MixedForm.Mask)]
    public void Each_row_of_a_mixed_batch_has_its_own(MixedForm form)
    {
        using var model = Model();
        using var first = model.CreateAdapter(WithBias).Filled(seed: 1);
        using var second = model.CreateAdapter().Filled(seed: 2);
        var x = Base.Input(4, 3, In);
        TAdapter?[] rows = [first, second, null, first];
        var expected = rows.Select((adapter, row) =>
        {
            model.ActiveAdapter = adapter;
            return Values.Flat(model.call(x[row].unsqueeze(0)));
        }).ToList();

        using var mixed = new MixedBatch<TAdapter>(model, form) { Rows = rows };
        model.ActiveAdapter = mixed.Adapter;
        var found = model.call(x);

        Assert.All(expected.Index(), item => Assert.All(
            item.Item.Zip(Values.Flat(found[item.Index])), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-5 * (1 + Math.Abs(pair.First)))));
        model.ActiveAdapter = null;
    }

    [Fact]
    public void There_is_no_sum_of_such_updates_yet()
    {
        using var model = Model();
        using var adapter = model.CreateAdapter(WithBias).Filled();
        Assert.Contains("Combine: proj: expected an update that is s B A, found one whose B has a bias", Assert.Throws<LoraException>(() => model.Combine(new CombineOptions(), (adapter, 1))).Message, StringComparison.Ordinal);
    }

    private void AssertIsFormula(TModel model, TAdapter adapter, Tensor x, ScalarType dtype)
    {
        var update = adapter.Updates[0];
        var weight = Values.Matrix(Parameter(model, "weight"));
        var bias = Values.Flat(Parameter(model, "bias")).Zip(Values.Flat(update.BBias!), (b, own) => b + (Scale * own)).ToArray();
        var reference = new LoraLinear(IsTransposed ? Matrices.Transpose(weight) : weight, bias, Values.Matrix(update.A), Values.Matrix(update.B), Scale);
        var (rows, sizes) = (Values.Matrix(x), reference.Absolute() with
        {
            Bias = [.. Values.Flat(Parameter(model, "bias")).Zip(Values.Flat(update.BBias!), (b, own) => Math.Abs(b) + Math.Abs(Scale * own))],
        });
        Rounding.AssertWithin(
            reference.Forward(rows), Values.Matrix(model.call(x)), sizes.Forward(Matrices.Abs(rows)), Rounding.Unit(dtype), Rounding.Count(dtype, reference.Roundings + 2, stored: 7));
    }

    private static Tensor Parameter(TModel model, string name) => model.get_parameter($"proj.{name}")!;

    private static Tensor Input(ScalarType dtype) => Base.Input(2, 3, In).to_type(dtype);
}
