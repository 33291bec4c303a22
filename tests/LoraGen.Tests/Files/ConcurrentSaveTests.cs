using LoraGen.Tests.Saver;

namespace LoraGen.Tests.Files;

/// <summary>Others read and save while a save runs: a reader gets the old adapter or the new one, and one save at a time is let in.</summary>
public sealed class ConcurrentSaveTests : IDisposable
{
    private readonly ScratchFolder _folder = new();
    private readonly TwoAdapters _model = new();

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_reader_beside_a_save()
    {
        SaveBoth(1);
        var saves = Task.Run(() => SaveBoth(150), TestContext.Current.CancellationToken);
        var numbers = LoadUntilEndOf(saves);
        Assert.DoesNotContain(-1, numbers.Keys);
        Assert.Equal([0, 1], numbers.Keys.Order());
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors"], _folder.Names());
    }

    [Fact]
    public void A_reader_beside_a_process_that_saves()
    {
        SaveBoth(1);
        using var saver = new SaverProcess();
        saver.SaveInto(_folder.Path);

        // For a second, and on until the process has come to both, since its first saves take as long as they may.
        var numbers = LoadUntilEndOf(Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken));
        while (!numbers.ContainsKey(0) || !numbers.ContainsKey(1))
        {
            Assert.False(saver.HasExited, "the process ended by itself");
            LoadInto(numbers);
        }

        Assert.DoesNotContain(-1, numbers.Keys);
        Assert.Equal([0, 1], numbers.Keys.Order());
    }

    // Each save ends as one of the two or is refused, and the folder is one of the two throughout.
    [Fact]
    public void Two_that_save_at_once()
    {
        SaveBoth(1);
        var refused = 0;
        var saves = Task.WhenAll(Enumerable.Range(0, 2).Select(number => Task.Run(() => SaveUntilOneIsRefused(number), TestContext.Current.CancellationToken)));
        Assert.DoesNotContain(-1, LoadUntilEndOf(saves).Keys);
        Assert.NotEqual(0, refused);
        Assert.True(SavedPair.Fits(_folder.Path));
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors"], _folder.Names());

        void SaveUntilOneIsRefused(int number)
        {
            using var adapter = _model.Make(number);
            for (var i = 0; i < 100 || (i < 2000 && Volatile.Read(ref refused) == 0); i++)
            {
                try
                {
                    adapter.Save(_folder.Path);
                }
                catch (LoraException e) when (e.Message.Contains(_folder.PathOf("saving."), StringComparison.Ordinal))
                {
                    Interlocked.Increment(ref refused);
                }
            }
        }
    }

    [Fact]
    public void A_second_save_is_refused_and_leaves_the_first_ones_files_alone()
    {
        SaveBoth(1);
        using var adapter = _model.Make(0);
        var staged = _folder.PathOf("adapter_model.safetensors.0123.tmp");
        File.WriteAllText(staged, "of the first");
        var held = _folder.PathOf("saving.0123.lock");
        using (new FileStream(held, FileMode.CreateNew, FileAccess.Write, FileShare.None))
        {
            var refusal = Assert.Throws<LoraException>(() => adapter.Save(_folder.Path));
            Assert.Equal($"{held}: expected no other save into this folder, found one that is running. Save again when it has ended, or elsewhere.", refusal.Message);
            Assert.Equal("of the first", File.ReadAllText(staged));
            Assert.Equal(["adapter_config.json", "adapter_model.safetensors", "adapter_model.safetensors.0123.tmp", "saving.0123.lock"], _folder.Names());
        }

        using var old = TwoAdapters.Adapter.Load(_folder.Path, _model);
        Assert.Equal(1, TwoAdapters.NumberOf(old));
        adapter.Save(_folder.Path);
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors"], _folder.Names());
    }

    // Whoever holds the old weights open goes on reading the old ones; Windows, too, lets them be replaced then.
    [Fact]
    public void A_save_over_weights_that_are_open()
    {
        SaveBoth(1);
        using var open = LoraGen.Safetensors.SafetensorsFile.Open(_folder.PathOf("adapter_model.safetensors"));
        using var adapter = _model.Make(0);
        adapter.Save(_folder.Path);
        using var a = open.Read("base_model.model.proj.lora_A.weight");
        Assert.Equal([5L, 64], a.shape);
        Assert.Equal(2, a.mean().item<float>());
    }

    private void SaveBoth(int times)
    {
        using var first = _model.Make(0);
        using var second = _model.Make(1);
        for (var i = 0; i < times; i++)
        {
            first.Save(_folder.Path);
            second.Save(_folder.Path);
        }
    }

    private Dictionary<int, int> LoadUntilEndOf(Task saves)
    {
        var numbers = new Dictionary<int, int>();
        while (!saves.IsCompleted)
        {
            LoadInto(numbers);
        }

        saves.GetAwaiter().GetResult();
        return numbers;
    }

    private void LoadInto(Dictionary<int, int> numbers)
    {
        using var loaded = TwoAdapters.Adapter.Load(_folder.Path, _model);
        var number = TwoAdapters.NumberOf(loaded);
        numbers[number] = numbers.GetValueOrDefault(number) + 1;
    }
}
