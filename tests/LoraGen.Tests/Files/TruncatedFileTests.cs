using LoraGen.Tests.Models;

namespace LoraGen.Tests.Files;

/// <summary>A file that ends early is refused by its name, wherever it ends.</summary>
public sealed class TruncatedFileTests : IDisposable
{
    private readonly ScratchFolder _folder = new();
    private readonly OneTarget _model = new(96, 64);
    private readonly byte[] _weights;
    private readonly byte[] _config;

    public TruncatedFileTests()
    {
        using var adapter = _model.CreateAdapter().Trained();
        adapter.Save(_folder.Path);
        (_weights, _config) = (File.ReadAllBytes(Weights), File.ReadAllBytes(Config));
    }

    private string Config => _folder.PathOf("adapter_config.json");

    private string Weights => _folder.PathOf("adapter_model.safetensors");

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void The_weights_at_every_64th_byte()
        => AssertRefused(Weights, _weights, Enumerable.Range(0, _weights.Length).Where(length => length % 64 == 0).Append(_weights.Length - 1));

    [Fact]
    public void The_weights_at_every_byte_of_the_header()
        => AssertRefused(Weights, _weights, Enumerable.Range(0, 8 + (int)BitConverter.ToUInt64(_weights) + 1));

    // A JSON object is whole at its last brace and not before.
    [Fact]
    public void The_config_at_every_byte() => AssertRefused(Config, _config, Enumerable.Range(0, _config.Length));

    private void AssertRefused(string path, byte[] whole, IEnumerable<int> lengths)
    {
        foreach (var length in lengths)
        {
            File.Delete(path); // ext4 flushes a file that is overwritten in place.
            File.WriteAllBytes(path, whole[..length]);
            var refusal = Record.Exception(() => OneTarget.Adapter.Load(_folder.Path, _model).Dispose());
            Assert.True(refusal is LoraException && refusal.Message.StartsWith(path, StringComparison.Ordinal), $"{length} bytes: {refusal}");
        }

        File.WriteAllBytes(path, whole);
        OneTarget.Adapter.Load(_folder.Path, _model).Dispose();
    }
}
