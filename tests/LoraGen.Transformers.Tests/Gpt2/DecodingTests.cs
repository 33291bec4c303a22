using LoraGen.Transformers.Attention;
using LoraGen.Transformers.Gpt2;
using LoraGen.Transformers.Tests.Reference;
using static TorchSharp.torch;

namespace LoraGen.Transformers.Tests.Gpt2;

/// <summary>Reading a sequence in pieces, with the keys and values of the earlier ones kept, gives what reading it at once gives.</summary>
public sealed class DecodingTests : IDisposable
{
    private static readonly int[] Ids = [3, 18, 0, 7, 7, 11, 2, 5, 1, 9];

    private readonly Gpt2LMHeadModel _model = TinyGpt2.Create();

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData(1, 1, 1, 1, 1, 1, 1, 1, 1, 1)]
    [InlineData(7, 1, 1, 1)]
    [InlineData(3, 4, 1, 2)]
    public void In_pieces(params int[] pieces) => TinyModel.AssertClose(new NaiveGpt2(_model.Config, _model).Logits(Ids), Read(pieces));

    [Fact]
    public void With_an_active_adapter()
    {
        using var adapter = TinyModel.Random(_model.CreateAdapter());
        _model.ActiveAdapter = adapter;
        TinyModel.AssertClose(new NaiveGpt2(_model.Config, _model, adapter).Logits(Ids), Read(6, 1, 1, 2));
    }

    [Fact]
    public void A_shorter_row_padded_on_the_left()
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        using var cache = new KeyValueCache(2, 8);
        _model.Hidden(TinyModel.Ids([9, 9, 3, 18], [1, 2, 3, 4]), cache, TinyModel.Tokens([0, 0, 1, 1], [1, 1, 1, 1]));
        var hidden = _model.Hidden(TinyModel.Ids([0], [5]), cache, TinyModel.Tokens([0, 0, 1, 1, 1], [1, 1, 1, 1, 1]));

        var found = TinyModel.Rows(_model.Logits(hidden));

        var naive = new NaiveGpt2(_model.Config, _model);
        TinyModel.AssertClose(naive.Logits([3, 18, 0])[^1], found[0]);
        TinyModel.AssertClose(naive.Logits([1, 2, 3, 4, 5])[^1], found[1]);
    }

    private List<double[]> Read(params int[] pieces)
    {
        using var scope = NewDisposeScope();
        using var inference = no_grad();
        using var cache = new KeyValueCache(2, 16);
        var result = new List<double[]>();
        foreach (var count in pieces)
        {
            result.AddRange(TinyModel.Rows(_model.Logits(_model.Hidden(TinyModel.Ids(Ids[result.Count..(result.Count + count)]), cache))));
        }

        return result;
    }
}
