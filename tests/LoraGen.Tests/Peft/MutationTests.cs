using System.Text.Json.Nodes;
using LoraGen.Peft;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;

namespace LoraGen.Tests.Peft;

/// <summary>
/// Twelve thousand spoiled files, the same in each run: whatever an adapter's bytes are, the answer is a LoraException, or what a second
/// reader, written without the library, finds in them; and it takes no more memory than a small multiple of the file.
/// </summary>
public sealed class MutationTests : IDisposable
{
    private const int Attempts = 4000;

    // An exception with its message and stack, file handles, regular expressions out of the config.
    private const long Fixed = 512 << 10;

    // A byte of a pickle can be an opcode that makes an object.
    private const long PerByte = 64;

    private readonly AdapterFolder _adapter = new();

    public MutationTests()
    {
        _adapter.Add("base_model.model.score.modules_to_save.default.weight", 3);
        _adapter.Weights.Tensors[$"{AdapterFolder.V}.lora_A.weight"] = new("BF16", [2, 5], new byte[20]);
        (_adapter.Config["rank_pattern"], _adapter.Config["alpha_pattern"]) = (new JsonObject { [@"layers\.\d+\.q_proj"] = 2 }, new JsonObject { ["v_proj"] = 1.5 });
        (_adapter.Config["use_rslora"], _adapter.Config["modules_to_save"]) = (true, new JsonArray("score"));
    }

    public void Dispose() => _adapter.Dispose();

    [Fact]
    public void The_safetensors_file()
    {
        var path = _adapter.Write().WeightsPath;
        Mutate(path, seed: 1, checkpoint =>
        {
            var expected = SafetensorsBytes.Parse(File.ReadAllBytes(path)).Tensors;
            Assert.Equal(expected.Keys, checkpoint.Tensors.Select(tensor => tensor.Key));
            AssertTensors(checkpoint, key => (expected[key].Shape, expected[key].Data));
        });
    }

    [Fact]
    public void The_torch_file()
    {
        var path = _adapter.WriteAsPickle().PicklePath;
        Mutate(path, seed: 2, checkpoint =>
        {
            var expected = TorchZipBytes.Parse(File.ReadAllBytes(path));
            Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), checkpoint.Tensors.Select(tensor => tensor.Key));
            AssertTensors(checkpoint, key => (expected[key].Shape, expected[key].Data));
        });
    }

    [Fact]
    public void The_config() => Mutate(_adapter.Write().ConfigPath, seed: 3, checkpoint =>
    {
        var rules = PeftRules.Of(_adapter.Path);
        Assert.Equal(2, checkpoint.Updates.Count);
        Assert.All(checkpoint.Updates, update => Assert.Equal((rules.Rank(update.Path), rules.Scale(update.Path)), (update.Rank, update.Scale)));
    });

    private void Mutate(string path, int seed, Action<PeftCheckpoint> check)
    {
        var whole = File.ReadAllBytes(path);
        var mutations = new Mutations(seed, [whole, File.ReadAllBytes(_adapter.ConfigPath)]);
        PeftCheckpoint.Inspect(_adapter.Path); // Once for what is only made the first time.
        var (read, refused, most) = (0, 0, 0L);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var spoilt = mutations.Of(whole);
            File.Delete(path); // ext4 flushes a file that is overwritten in place.
            File.WriteAllBytes(path, spoilt);
            var (tensors, before) = (DisposeScopeManager.Statistics.ThreadTotalLiveCount, GC.GetAllocatedBytesForCurrentThread());
            try
            {
                using var checkpoint = PeftCheckpoint.Open(_adapter.Path);
                checkpoint.Inspect();
                most = Math.Max(most, AssertBounded(before, spoilt));
                check(checkpoint);
                foreach (var update in checkpoint.Updates)
                    checkpoint.Delta(update).Dispose();
                read++;
            }
            catch (LoraException e)
            {
                most = Math.Max(most, AssertBounded(before, spoilt));
                Assert.DoesNotContain('\n', e.Message);
                Assert.InRange(e.Message.Length, 1, 5000);
                refused++;
            }
            catch (Exception e) when (e is not Xunit.Sdk.IAssertionException)
            {
                Assert.Fail($"attempt {attempt}: {e}");
            }

            // None is left behind.
            Assert.Equal(tensors, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{read} read, {refused} refused, at most {most} bytes allocated for {whole.Length}");

        // Mutations that always spoil, or never do, test nothing.
        Assert.InRange(read, Attempts / 100, Attempts);
        Assert.InRange(refused, Attempts / 100, Attempts);
    }

    private static long AssertBounded(long before, byte[] file)
    {
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < (PerByte * file.Length) + Fixed, $"{allocated} bytes allocated for {file.Length}");
        return allocated;
    }

    private static void AssertTensors(PeftCheckpoint checkpoint, Func<string, (long[] Shape, byte[] Data)> expected)
    {
        foreach (var tensor in checkpoint.Tensors)
        {
            using var found = checkpoint.Read(tensor);
            Assert.Equal(expected(tensor.Key).Shape, found.shape);
            Assert.Equal(expected(tensor.Key).Data, Base.Bytes(found));
        }
    }
}
