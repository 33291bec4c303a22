using LoraGen.Tests.Saver;

namespace LoraGen.Tests.Files;

/// <summary>Where an adapter can be saved and where not.</summary>
public sealed class PlaceTests : IDisposable
{
    private readonly ScratchFolder _folder = new();
    private readonly TwoAdapters _model = new();
    private readonly TwoAdapters.Adapter _first;
    private readonly TwoAdapters.Adapter _second;

    public PlaceTests() => (_first, _second) = (_model.Make(0), _model.Make(1));

    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
        _model.Dispose();
        _folder.Dispose();
    }

    public static TheoryData<string> Names => new(
        "with spaces  and, punctuation; 'quotes' & [brackets] {braces} %20 #1",
        "Ünïcödé",
        "u\u0308 a combined and \u00fc a composed one", // Two names to Linux, one to macOS.
        "漢字 עברית العربية",
        "😀👩‍👩‍👧‍👦",
        "a*b?c",
        ".hidden",
        "trailing/",
        "doubled//slashes",
        "up/../and/./down",
        new string('n', 255),
        string.Join('/', Enumerable.Repeat(new string('d', 100), 20)));

    [Theory]
    [MemberData(nameof(Names))]
    public void A_folder_of_this_name(string name)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || (name.Length < 200 && !name.Contains('*')), "Only Linux has such names everywhere.");
        AssertSaves(_folder.PathOf(name));
        Assert.Single(Directory.GetDirectories(_folder.Path));
    }

    [Fact]
    public void A_relative_path()
    {
        var relative = Path.GetRelativePath(Environment.CurrentDirectory, _folder.PathOf("adapter"));
        Assert.False(Path.IsPathRooted(relative));
        AssertSaves(relative);
        Assert.True(File.Exists(_folder.PathOf("adapter/adapter_config.json")));
    }

    [Fact]
    public void A_folder_that_is_a_symbolic_link()
    {
        Directory.CreateDirectory(_folder.PathOf("real"));
        Directory.CreateSymbolicLink(_folder.PathOf("link"), _folder.PathOf("real"));
        AssertSaves(_folder.PathOf("link"));
        Assert.True(File.Exists(_folder.PathOf("real/adapter_config.json")));
        Assert.Equal(_folder.PathOf("real"), new DirectoryInfo(_folder.PathOf("link")).LinkTarget);
    }

    // As the caches of model hubs lay them out. What the links point to may be another adapter's too, so it stays as it is.
    [Fact]
    public void Files_that_are_symbolic_links_are_read_through_and_replaced_by_files()
    {
        _first.Save(_folder.PathOf("cache"));
        Directory.CreateDirectory(_folder.PathOf("adapter"));
        string[] names = ["adapter_config.json", "adapter_model.safetensors"];
        foreach (var name in names)
        {
            File.CreateSymbolicLink(_folder.PathOf($"adapter/{name}"), _folder.PathOf($"cache/{name}"));
        }

        AssertHolds(_folder.PathOf("adapter"), 0);
        _second.Save(_folder.PathOf("adapter"));
        AssertHolds(_folder.PathOf("adapter"), 1);
        AssertHolds(_folder.PathOf("cache"), 0);
        Assert.All(names, name => Assert.Null(new FileInfo(_folder.PathOf($"adapter/{name}")).LinkTarget));
    }

    // Permission bits do not bind root, and a disk that is mounted read-only does.
    [Fact]
    public void A_folder_that_cannot_be_written_can_be_read()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "A folder of Windows has no permission bits.");
        var folder = _folder.PathOf("adapter");
        Directory.CreateDirectory(folder);
        using var disk = Environment.IsPrivilegedProcess ? Mount.SmallDisk(folder, 1 << 20) : null;
        _first.Save(folder);
        disk?.MakeReadOnly();
        SetMode(UnixFileMode.UserRead | UnixFileMode.UserExecute);

        var refusal = Assert.Throws<LoraException>(() => _second.Save(folder));

        Assert.StartsWith($"{folder}: cannot be written: ", refusal.Message, StringComparison.Ordinal);
        AssertHolds(folder, 0);
        SetMode(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        void SetMode(UnixFileMode mode)
        {
            if (disk is null && !OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(folder, mode);
            }
        }
    }

    [Fact]
    public void A_folder_inside_one_that_nobody_can_write()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/proc is Linux's.");
        var refusal = Assert.Throws<LoraException>(() => _first.Save("/proc/adapters/mine"));
        Assert.StartsWith("/proc/adapters/mine: cannot be written: ", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_in_the_place_of_the_folder_or_of_one_above_it()
    {
        File.WriteAllText(_folder.PathOf("file"), "mine");
        Assert.All([_folder.PathOf("file"), _folder.PathOf("file/inside")], folder =>
        {
            var refusal = Assert.Throws<LoraException>(() => _first.Save(folder));
            Assert.StartsWith($"{folder}: cannot be written: ", refusal.Message, StringComparison.Ordinal);
            Assert.StartsWith(Path.Combine(folder, "adapter_config.json"), Assert.Throws<LoraException>(() => Load(folder)).Message, StringComparison.Ordinal);
        });
        Assert.Equal("mine", File.ReadAllText(_folder.PathOf("file")));
    }

    [Fact]
    public void A_link_that_leads_nowhere()
    {
        Directory.CreateSymbolicLink(_folder.PathOf("link"), _folder.PathOf("gone"));
        Assert.StartsWith(_folder.PathOf("link"), Assert.Throws<LoraException>(() => _first.Save(_folder.PathOf("link"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_no_file_system_has()
    {
        foreach (var folder in new[] { _folder.PathOf(new string('n', 300)), _folder.PathOf(string.Join('/', Enumerable.Repeat("long", 2000))) })
        {
            Assert.StartsWith(folder, Assert.Throws<LoraException>(() => _first.Save(folder)).Message, StringComparison.Ordinal);
            Assert.StartsWith(folder, Assert.Throws<LoraException>(() => Load(folder)).Message, StringComparison.Ordinal);
        }

        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    // Found before anything is changed, in whichever place it is.
    [Theory]
    [InlineData("adapter_config.json")]
    [InlineData("adapter_model.safetensors")]
    public void A_folder_in_the_place_of_a_file(string name)
    {
        _first.Save(_folder.Path);
        var (path, other) = (_folder.PathOf(name), _folder.PathOf(name.StartsWith("adapter_config", StringComparison.Ordinal) ? "adapter_model.safetensors" : "adapter_config.json"));
        File.Delete(path);
        Directory.CreateDirectory(path);
        var before = File.ReadAllBytes(other);
        var refusal = Assert.Throws<LoraException>(() => _second.Save(_folder.Path));
        Assert.StartsWith(path, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(other));
        Assert.Equal([Path.GetFileName(other)], _folder.Names());
        Assert.StartsWith(path, Assert.Throws<LoraException>(() => Load(_folder.Path)).Message, StringComparison.Ordinal);
    }

    private TwoAdapters.Adapter Load(string folder) => TwoAdapters.Adapter.Load(folder, _model);

    private void AssertSaves(string folder)
    {
        _first.Save(folder);
        AssertHolds(folder, 0);
        _second.Save(folder);
        AssertHolds(folder, 1);
        Assert.Equal(2, Directory.GetFiles(folder).Length);
    }

    private void AssertHolds(string folder, int number)
    {
        using var loaded = Load(folder);
        Assert.Equal(number, TwoAdapters.NumberOf(loaded));
    }
}
