using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Llama;

/// <summary>Reading a sequence in pieces, with the keys and values of the earlier ones kept, gives what reading it at once gives.</summary>
public sealed class DecodingTests : IDisposable
{
    private static readonly long[] Ids = [3, 18, 0, 7, 7, 11, 2, 5, 1, 9];

    private readonly LlamaForCausalLM _model = TinyLlama.Create(TinyLlama.Config());
    private readonly double[][] _whole;

    public DecodingTests()
    {
        using var ids = TinyLlama.Ids(Ids);
        _whole = TinyLlama.Logits(_model, ids);
    }

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Token_by_token() => AssertSame(1, 1, 1, 1, 1, 1, 1, 1, 1, 1);

    [Fact]
    public void A_prompt_and_then_token_by_token() => AssertSame(7, 1, 1, 1);

    [Fact]
    public void In_pieces_of_several_tokens() => AssertSame(3, 4, 1, 2);

    [Fact]
    public void A_prompt_with_an_active_adapter()
    {
        using var adapter = _model.CreateAdapter();
        using (no_grad())
        {
            foreach (var update in adapter.Updates)
            {
                update.B.normal_(0, 0.1);
            }
        }

        _model.ActiveAdapter = adapter;
        using var ids = TinyLlama.Ids(Ids);
        AssertSame(TinyLlama.Logits(_model, ids), 7, 1, 1, 1);
    }

    [Fact]
    public void The_cache_counts_the_tokens_read()
    {
        using var inference = no_grad();
        using var cache = new KeyValueCache(2, 128);
        Assert.Equal(0, cache.Length);
        Read(cache, 0, 4);
        Assert.Equal(4, cache.Length);
        Read(cache, 4, 1);
        Assert.Equal(5, cache.Length);
    }

    [Fact]
    public void A_cache_leaves_no_tensor_when_it_is_disposed()
    {
        using var inference = no_grad();
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (var cache = new KeyValueCache(2, 128))
        {
            for (var position = 0; position < Ids.Length; position++)
            {
                Read(cache, position, 1);
            }

            Assert.Equal(before + 4, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    // A cache that is made and read in a scope, as a server's request would.
    [Fact]
    public void A_cache_survives_the_dispose_scope_of_the_step_that_filled_it()
    {
        using var inference = no_grad();
        using var cache = new KeyValueCache(2, 128);
        using (NewDisposeScope())
        {
            Read(cache, 0, 5);
        }

        TinyLlama.AssertClose(_whole[5], Read(cache, 5, 1)[0]);
    }

    private void AssertSame(params int[] pieces) => AssertSame(_whole, pieces);

    private void AssertSame(double[][] whole, params int[] pieces)
    {
        using var inference = no_grad();
        using var cache = new KeyValueCache(2, 128);
        var position = 0;
        foreach (var count in pieces)
        {
            foreach (var logits in Read(cache, position, count))
            {
                TinyLlama.AssertClose(whole[position++], logits);
            }
        }

        Assert.Equal(whole.Length, position);
    }

    private double[][] Read(KeyValueCache cache, int start, int count)
    {
        using var scope = NewDisposeScope();
        return TinyLlama.Rows(_model.Logits(_model.Hidden(TinyLlama.Ids(Ids[start..(start + count)]), cache)));
    }
}
