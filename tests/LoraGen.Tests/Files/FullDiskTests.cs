using LoraGen.Tests.Models;
using LoraGen.Tests.Saver;

namespace LoraGen.Tests.Files;

/// <summary>A disk that takes no more: the old adapter stays, nothing is left beside it, and the message names the file.</summary>
public sealed class FullDiskTests : IDisposable
{
    private const int MostPages = 12;

    private static readonly int Page = Environment.SystemPageSize;

    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // Page by page, so that it fills up while the weights are written, while the config is, and not at all.
    [Fact]
    public void With_room_for_a_part_of_the_new_adapter()
    {
        using var disk = Mount.SmallDisk(_folder.Path, 40 * Page);
        using var model = new OneTarget(512, 512);
        using var old = model.CreateAdapter().Trained(seed: 1);
        using var larger = model.CreateAdapter(new LoraConfig { Rank = 6 }).Trained(seed: 2);
        var failed = new List<string>();
        for (var pages = 0; pages <= MostPages; pages++)
        {
            old.Save(_folder.Path);
            FillUpTo(pages);
            var refusal = Record.Exception(() => larger.Save(_folder.Path));
            if (refusal is not null)
            {
                failed.Add(Assert.IsType<LoraException>(refusal).Message);
            }

            File.Delete(_folder.PathOf("filler"));
            using var loaded = OneTarget.Adapter.Load(_folder.Path, model);
            Assert.Equal(Base.Bytes(refusal is null ? larger : old), Base.Bytes(loaded));
            Assert.Equal(["adapter_config.json", "adapter_model.safetensors"], _folder.Names());
        }

        Assert.Contains(failed, message => message.StartsWith(_folder.PathOf("adapter_model.safetensors: cannot be written: "), StringComparison.Ordinal));
        Assert.Contains(failed, message => message.StartsWith(_folder.PathOf("adapter_config.json: cannot be written: "), StringComparison.Ordinal));
        Assert.InRange(failed.Count, 2, MostPages);
    }

    // The save before was killed between its renames, so that the old adapter's config is a staged one.
    [Fact]
    public void Where_the_save_before_was_cut_off()
    {
        using var disk = Mount.SmallDisk(_folder.Path, 40 * Page);
        using var model = new TwoAdapters();
        using var first = model.Make(0);
        using var second = model.Make(1);
        first.Save(_folder.Path);
        var saved = SavedPair.Of(second);
        File.WriteAllBytes(_folder.PathOf("adapter_model.safetensors"), saved.Weights);
        File.WriteAllBytes(_folder.PathOf("adapter_config.json.0123.tmp"), saved.Config);
        FillUpTo(pages: 1);

        Assert.Throws<LoraException>(() => first.Save(_folder.Path));

        using var loaded = TwoAdapters.Adapter.Load(_folder.Path, model);
        Assert.Equal(1, TwoAdapters.NumberOf(loaded));
    }

    private void FillUpTo(int pages)
    {
        using var filler = new FileStream(_folder.PathOf("filler"), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true)
            {
                filler.Write(new byte[Page]);
            }
        }
        catch (IOException)
        {
            filler.SetLength(Math.Max(0, filler.Length - (pages * Page)));
        }
    }
}
