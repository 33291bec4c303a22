using System.Text.Json;
using LoraGen.Tests.Models;
using LoraGen.Tests.Reference;
using TorchSharp;

namespace LoraGen.Tests.Files;

/// <summary>Whatever bytes the files have, the answer is a LoraException on one line, or the adapter that an independent reader finds in them.</summary>
public sealed class FuzzTests : IDisposable
{
    private const int Attempts = 1000;

    private static readonly byte[][] Pieces =
    [
        .. new[] { "{", "}", "[", "]", "\"", ",", ":", "0", "-1", "1e9", "null", "true", "\\u0000", "\\ud800", "9223372036854775807", "99999999999999999999", "F64", "BF16" }
            .Select(System.Text.Encoding.UTF8.GetBytes),
        [0xFF], [0xC3], [0], [0xEF, 0xBB, 0xBF],
    ];

    private readonly SavedTower _saved = new();

    public void Dispose() => _saved.Dispose();

    [Fact]
    public void Anything_in_the_header_of_the_weights() => Fuzz(_saved.WeightsPath, bytes => 8 + (int)BitConverter.ToUInt64(bytes), seed: 11);

    [Fact]
    public void Anything_anywhere_in_the_weights() => Fuzz(_saved.WeightsPath, bytes => bytes.Length, seed: 12);

    [Fact]
    public void Anything_in_the_config() => Fuzz(_saved.ConfigPath, bytes => bytes.Length, seed: 13);

    private void Fuzz(string path, Func<byte[], int> room, int seed)
    {
        var whole = File.ReadAllBytes(path);
        var random = new Random(seed);
        var (loaded, refused) = (0, 0);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var spoilt = Spoil(whole, room(whole), random);
            File.Delete(path); // ext4 flushes a file that is overwritten in place.
            File.WriteAllBytes(path, spoilt);
            try
            {
                using var adapter = Tower.Adapter.Load(_saved.Folder, _saved.Model);
                AssertIsInTheFiles(adapter);
                loaded++;
            }
            catch (LoraException e)
            {
                Assert.DoesNotContain('\n', e.Message);
                Assert.InRange(e.Message.Length, 1, 5000);
                refused++;
            }
            catch (Exception e) when (e is not Xunit.Sdk.IAssertionException)
            {
                Assert.Fail($"attempt {attempt}: {e}");
            }
        }

        // A spoiling that always spoils, or never does, tests nothing.
        Assert.NotEqual(0, loaded);
        Assert.NotEqual(0, refused);
    }

    private static byte[] Spoil(byte[] whole, int room, Random random)
    {
        var bytes = whole.ToList();
        for (var times = random.Next(1, 4); times > 0; times--)
        {
            var place = random.Next(Math.Min(room, bytes.Count));
            var length = Math.Min(random.Next(1, 40), bytes.Count - place);
            switch (random.Next(7))
            {
                case 0:
                    bytes[place] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[place] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes.RemoveRange(place, length);
                    break;
                case 3:
                    bytes.InsertRange(place, bytes.GetRange(place, length));
                    break;
                case 4:
                    bytes.InsertRange(place, Pieces[random.Next(Pieces.Length)]);
                    break;
                case 5:
                    bytes[place] = (byte)"0123456789"[random.Next(10)];
                    break;
                default:
                    (bytes[place], bytes[^1]) = (bytes[^1], bytes[place]);
                    break;
            }

            if (bytes.Count == 0)
            {
                break;
            }
        }

        return [.. bytes];
    }

    private void AssertIsInTheFiles(Tower.Adapter adapter)
    {
        var tensors = SafetensorsBytes.Parse(File.ReadAllBytes(_saved.WeightsPath)).Tensors;
        var rules = PeftRules.Of(_saved.Folder);
        Assert.Equal(tensors.Count, 2 * adapter.Updates.Count);
        foreach (var update in adapter.Updates)
        {
            Assert.Equal(tensors[$"base_model.model.{update.Path}.lora_A.weight"].Data, Base.Bytes(update.A));
            Assert.Equal(tensors[$"base_model.model.{update.Path}.lora_B.weight"].Data, Base.Bytes(update.B));
            Assert.Equal((rules.Rank(update.Path), rules.Scale(update.Path)), (update.Scale.Rank, update.Scale.Factor));
        }
    }
}
