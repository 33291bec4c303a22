using LoraGen.Tests.ModulesToSave;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Tests.TokenRows;

/// <summary><c>trainable_token_indices</c>: rows of the adapter's own stand in for those of some ids, and nothing else of the embedding changes.</summary>
public sealed class TokenRowsTests : IDisposable
{
    // Neither in order nor next to each other: row i is that of id i of this list.
    private static readonly int[] Tokens = [5, 0, 3];

    private static readonly LoraConfig Config = new() { TrainableTokenIndices = Tokens };

    private readonly IDisposable _scope = NewDisposeScope();

    public static TheoryData<ScalarType> Dtypes => [ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16];

    public void Dispose() => _scope.Dispose();

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void A_new_adapter_has_the_bases_rows_and_leaves_every_bit_of_the_output(ScalarType dtype)
    {
        using var model = new Gpt().to(dtype);
        var before = Base.Bytes(model.call(Ids()));
        using var adapter = model.CreateAdapter(Config);
        model.ActiveAdapter = adapter;

        Assert.Equal(before, Base.Bytes(model.call(Ids())));
        Assert.Equal(Tokens, Wte(adapter).TokenIds);
        Assert.Equal(dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32, Wte(adapter).TokenRows!.dtype);
        Assert.Equal(Looked(Tokens, Rows(model), null), Values.Matrix(Wte(adapter).TokenRows!));
        Assert.Equal(3, adapter.Updates.Count);
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void An_id_of_the_list_has_the_adapters_row_and_every_other_the_bases(ScalarType dtype)
    {
        using var model = new Gpt().to(dtype);
        using var adapter = model.CreateAdapter(Config).Filled();
        var own = Values.Matrix(Wte(adapter).TokenRows!);
        foreach (var ids in new[] { Ids(), Ids().to_type(ScalarType.Int32), tensor(new long[] { 1, 2 }), tensor(5L), zeros(0, ScalarType.Int64) })
        {
            var found = EmbeddingUpdate.Forward(model.ModuleAt<TorchSharp.Modules.Embedding>("transformer.wte"), Wte(adapter), ids);
            Assert.Equal([.. ids.shape, Gpt.Width], found.shape);
            Assert.Equal(dtype, found.dtype);
            Assert.Equal(Looked([.. Values.Flat(ids).Select(id => (int)id)], Rows(model), own, dtype), Values.Matrix(found));
        }
    }

    // The loss is not linear here, but in each number of the rows it is: the embedding is looked at alone.
    [Fact]
    public void The_gradients_are_the_slopes_of_the_forward_pass_and_the_base_has_none()
    {
        using var model = new Gpt().to(ScalarType.Float64);
        using var adapter = model.CreateAdapter(Config with { TargetModules = [] }).Filled();
        model.ActiveAdapter = adapter;
        var weights = Base.Input(2, 4, Gpt.Ids).to_type(ScalarType.Float64);
        Slopes.AssertAreGradients(adapter, () => (model.call(Ids()) * weights).sum());
        Assert.Single(adapter.parameters());
        Assert.All(model.parameters(), parameter => Assert.Null(parameter.grad));
    }

    // Id 0 is not looked up, and 3 is, twice.
    [Fact]
    public void A_row_whose_id_is_not_looked_up_has_a_gradient_of_zero()
    {
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(Config);
        EmbeddingUpdate.Forward(model.ModuleAt<TorchSharp.Modules.Embedding>("transformer.wte"), Wte(adapter), tensor(new long[] { 3, 4, 3 })).sum().backward();
        var gradient = Values.Matrix(Wte(adapter).TokenRows!.grad!);
        for (var column = 0; column < Gpt.Width; column++)
            Assert.Equal([0, 0, 2], Enumerable.Range(0, 3).Select(row => gradient[row, column]));
    }

    [Fact]
    public void A_training_step_changes_the_rows_and_no_bit_of_the_base()
    {
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(Config);
        model.ActiveAdapter = adapter;
        var (ofBase, before) = (Base.Bytes(model), Base.Bytes(Wte(adapter).TokenRows!));
        using var optimizer = optim.AdamW(adapter.parameters(), 0.1);
        model.call(Ids()).square().mean().backward();
        optimizer.step();
        Assert.NotEqual(before, Base.Bytes(Wte(adapter).TokenRows!));
        Assert.Equal(ofBase, Base.Bytes(model));
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void A_merge_writes_the_rows_rounded_once_and_Unmerge_restores_every_bit(ScalarType dtype)
    {
        using var model = new Gpt().to(dtype);
        using var adapter = model.CreateAdapter(Config with { TargetModules = [] }).Filled();
        var (before, rows, own) = (Base.Bytes(model), Rows(model), Values.Matrix(Wte(adapter).TokenRows!));
        model.ActiveAdapter = adapter;
        var active = Base.Bytes(model.call(Ids()));

        model.Merge(adapter);

        Assert.Equal(Looked([.. Enumerable.Range(0, Gpt.Ids)], rows, own, dtype), Rows(model));
        Assert.Equal(active, Base.Bytes(model.call(Ids())));
        Assert.Equal(["transformer.wte.weight"], before.Keys.Where(key => !before[key].SequenceEqual(Base.Bytes(model)[key])));

        model.Unmerge();
        Assert.Equal(before, Base.Bytes(model));
    }

    [Fact]
    public void A_row_that_is_not_finite_is_refused_before_the_base_is_touched()
    {
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(Config);
        using (no_grad())
        {
            Wte(adapter).TokenRows![1, 1] = double.NaN;
        }

        var before = Base.Bytes(model);
        Assert.StartsWith("transformer.wte: expected finite weights", Assert.Throws<LoraException>(() => model.Merge(adapter)).Message, StringComparison.Ordinal);
        Assert.Equal(before, Base.Bytes(model));
    }

    // The rows in bf16, and the ids in order with their places.
    [Fact]
    public void A_frozen_one_keeps_its_copies_until_it_may_change()
    {
        using var model = new Gpt().to(ScalarType.BFloat16);
        using var adapter = model.CreateAdapter(Config with { TargetModules = [] }).Filled();
        model.ActiveAdapter = adapter;
        adapter.Serving();
        var expected = Output();

        Assert.Equal(0, KeptBy(() => Assert.Equal(expected, Output())));
        Assert.Equal(-1, KeptBy(() => adapter.train()));
        Assert.Equal(0, KeptBy(() => Assert.Equal(expected, Output())));
        using (no_grad())
        {
            Wte(adapter).TokenRows!.add_(1);
        }

        Assert.NotEqual(expected, Output());

        byte[] Output()
        {
            using var inference = no_grad();
            using var scope = NewDisposeScope();
            return Base.Bytes(model.call(Ids()));
        }
    }

    [Fact]
    public void A_disposed_adapter_leaves_no_tensor_behind()
    {
        using var model = new Gpt();
        Assert.Equal(0, KeptBy(() =>
        {
            using var scope = NewDisposeScope();
            using var adapter = model.CreateAdapter(Config with { TargetModules = [] });
            model.ActiveAdapter = adapter;
            model.call(Ids());
            model.ActiveAdapter = null;
        }));
    }

    [Theory]
    [InlineData("transformer.wte")]
    [InlineData("wte")]
    public void An_embedding_may_be_named(string name)
    {
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(new LoraConfig { TrainableTokenIndicesByModule = new Dictionary<string, IReadOnlyList<int>> { [name] = [2] } });
        Assert.Equal([2], Wte(adapter).TokenIds);
    }

    [Fact]
    public void An_embedding_that_has_an_A_and_a_B_is_refused()
    {
        using var model = new OneEmbedding(9, 6);
        Refused(() => model.CreateAdapter(new LoraConfig { TrainableTokenIndices = [1] }), "proj: expected an embedding that is neither adapted nor saved whole, found one that has an A and a B", "ExcludeModules");
    }

    [Fact]
    public void An_embedding_that_is_saved_whole_is_refused()
    {
        using var model = new Gpt();
        Refused(() => model.CreateAdapter(Config with { ModulesToSave = ["wte"] }), "transformer.wte", "found one that ModulesToSave saves");
    }

    [Theory]
    [InlineData(7)]
    [InlineData(-1)]
    public void An_id_that_the_embedding_does_not_have_is_refused(int id)
    {
        using var model = new Gpt();
        Refused(() => model.CreateAdapter(new LoraConfig { TrainableTokenIndices = [0, id] }), $"TrainableTokenIndices: transformer.wte: expected ids of 0 to 6, found {id}");
    }

    [Fact]
    public void An_id_that_is_given_twice_is_refused()
    {
        using var model = new Gpt();
        Refused(() => model.CreateAdapter(new LoraConfig { TrainableTokenIndices = [2, 1, 2] }), "expected each id once, found 2 2 times");
    }

    [Fact]
    public void An_empty_list_is_refused()
    {
        using var model = new Gpt();
        Refused(() => model.CreateAdapter(new LoraConfig { TrainableTokenIndices = [] }), "expected ids, found an empty list");
    }

    [Fact]
    public void Both_ways_at_once_are_refused()
    {
        using var model = new Gpt();
        Refused(() => model.CreateAdapter(Config with { TrainableTokenIndicesByModule = new Dictionary<string, IReadOnlyList<int>> { ["wte"] = [2] } }), "expected TrainableTokenIndices or TrainableTokenIndicesByModule, found both");
    }

    [Fact]
    public void A_name_that_matches_nothing_is_refused()
    {
        using var model = new Gpt();
        Refused(() => model.CreateAdapter(new LoraConfig { TrainableTokenIndicesByModule = new Dictionary<string, IReadOnlyList<int>> { ["te"] = [2] } }), "TrainableTokenIndicesByModule 'te'", "matches no annotated projection");
    }

    [Fact]
    public void A_projection_of_vectors_is_refused()
    {
        using var model = new Gpt();
        Refused(() => model.CreateAdapter(new LoraConfig { TrainableTokenIndicesByModule = new Dictionary<string, IReadOnlyList<int>> { ["lm_head"] = [2] } }), "lm_head: expected an embedding, found a projection of vectors");
    }

    [Fact]
    public void A_model_without_an_embedding_is_refused()
    {
        using var model = new OneTarget(4, 4);
        Refused(() => model.CreateAdapter(new LoraConfig { TrainableTokenIndices = [2] }), "expected one embedding, or one of the name embed_tokens or wte or word_embeddings, which is annotated, found []");
    }

    // PEFT's tied head has the trained rows too.
    [Fact]
    public void An_embedding_that_is_tied_to_a_head_is_refused()
    {
        using var model = new Gpt(tied: true);
        Refused(() => model.CreateAdapter(Config), "transformer.wte: expected an embedding with a weight of its own", "lm_head.weight");
    }

    [Fact]
    public void An_embedding_with_max_norm_is_refused()
    {
        using var model = new Classified(maxNorm: 1);
        Refused(() => model.CreateAdapter(Config), "wte: expected an embedding without max_norm");
    }

    [Fact]
    public void Combining_is_refused_by_name()
    {
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(Config);
        Assert.All(
            new Action[] { () => model.Combine(new CombineOptions(), (adapter, 1)), () => model.Compress(adapter, 1) },
            operation => Refused(operation, "found one that owns rows of [transformer.wte] (trainable_token_indices)"));
    }

    [Fact]
    public void LoraPlus_has_the_rows_at_the_rate_of_A()
    {
        using var model = new Gpt();
        using var adapter = model.CreateAdapter(Config);
        var groups = adapter.LearningRates(1e-4, 16, embeddingLearningRate: 3e-6);
        Assert.Equal(adapter.parameters().Count(), groups.Sum(group => group.Parameters.Count));
        Assert.Equal(1e-4, groups.Single(group => group.Parameters.Contains(Wte(adapter).TokenRows!)).LearningRate);
    }

    [Fact]
    public void A_refused_adapter_leaves_no_tensor_behind()
    {
        using var model = new Gpt();
        Assert.Equal(0, KeptBy(() =>
        {
            using var scope = NewDisposeScope();
            Assert.Throws<LoraException>(() => model.CreateAdapter(Config with { ModulesToSave = ["nothing"] }));
        }));
    }

    private static EmbeddingUpdate Wte(Gpt.Adapter adapter) => adapter.transformer.wte;

    private static double[,] Rows(Gpt model) => Values.Matrix(model.get_parameter("transformer.wte.weight")!);

    private static Tensor Ids() => tensor(new long[] { 3, 1, 6, 0, 5, 3, 4, 2 }).view(2, 4);

    private static double[,] Looked(IReadOnlyList<int> ids, double[,] rows, double[,]? own, ScalarType dtype = ScalarType.Float64)
    {
        var looked = new double[ids.Count, Gpt.Width];
        for (var i = 0; i < ids.Count; i++)
        {
            for (var j = 0; j < Gpt.Width; j++)
                looked[i, j] = own is not null && Array.IndexOf(Tokens, ids[i]) is >= 0 and var place ? Rounding.Nearest(dtype, own[place, j]) : rows[ids[i], j];
        }

        return looked;
    }

    private static long KeptBy(Action act)
    {
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        act();
        return DisposeScopeManager.Statistics.ThreadTotalLiveCount - before;
    }

    private static void Refused(Action act, params string[] named)
    {
        var refusal = Assert.Throws<LoraException>(act).Message;
        Assert.All(named, part => Assert.Contains(part, refusal, StringComparison.Ordinal));
    }
}
