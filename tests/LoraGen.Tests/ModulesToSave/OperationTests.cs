using LoraGen.Tests.Models;
using static TorchSharp.torch;

namespace LoraGen.Tests.ModulesToSave;

/// <summary>Of projections that adapters own whole there is no sum and no share: what would drop them in silence is refused, as in PEFT.</summary>
public sealed class OperationTests : IDisposable
{
    private readonly Classified _model = new(ScalarType.Float32);
    private readonly Classified.Adapter _adapter;

    public OperationTests() => _adapter = _model.CreateAdapter(SavedBase.Config).Filled();

    public void Dispose()
    {
        _adapter.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void Combining() => AssertNamesTheHead(() => _model.Combine(new CombineOptions(), (_adapter, 1)));

    [Fact]
    public void Compressing() => AssertNamesTheHead(() => _model.Compress(_adapter, RankChoice.AtMost(1)));

    [Fact]
    public void A_row_of_a_mixed_batch()
    {
        using var mixed = new MixedBatch<Classified.Adapter>(_model);
        AssertNamesTheHead(() => mixed.Rows = [null, _adapter]);
    }

    private static void AssertNamesTheHead(Action operation)
        => Assert.Contains("classifier.out_proj", Assert.Throws<LoraException>(operation).Message, StringComparison.Ordinal);
}
