using System.Text;
using LoraGen.Files;

namespace LoraGen.Tests.Files;

/// <summary>A file is the old one or the new one, and a failed write leaves nothing beside it.</summary>
public sealed class AtomicFileTests : IDisposable
{
    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_new_file_in_a_new_folder()
    {
        var path = _folder.PathOf("a/b/file");
        AtomicFile.Write(path, stream => stream.Write("new"u8));
        Assert.Equal("new", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder.PathOf("a/b")));
    }

    [Fact]
    public void A_longer_file_is_replaced_as_a_whole()
    {
        var path = _folder.PathOf("file");
        File.WriteAllText(path, "a longer old text");
        AtomicFile.Write(path, stream => stream.Write("new"u8));
        Assert.Equal("new", File.ReadAllText(path));
    }

    [Fact]
    public void A_write_that_fails_half_way_leaves_the_old_file_and_nothing_else()
    {
        var path = _folder.PathOf("file");
        File.WriteAllText(path, "old");
        var refusal = Assert.Throws<LoraException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write(new byte[1 << 20]);
            throw new IOException("No space left on device");
        }));
        Assert.Contains(path, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("No space left on device", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void An_error_that_is_not_the_disks_comes_through_as_it_is()
    {
        var path = _folder.PathOf("file");
        File.WriteAllText(path, "old");
        var error = new InvalidOperationException("not the disk");
        Assert.Same(error, Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(path, _ => throw error)));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
    }

    // A reader that has the old file open, or maps it, keeps reading the old one.
    [Fact]
    public void The_old_file_is_whole_until_the_new_one_is()
    {
        var path = _folder.PathOf("file");
        File.WriteAllText(path, "old");
        AtomicFile.Write(path, stream =>
        {
            stream.Write("new"u8);
            stream.Flush();
            Assert.Equal("old", File.ReadAllText(path));
        });
        Assert.Equal("new", File.ReadAllText(path));
    }

    [Fact]
    public void A_folder_in_the_way_is_refused()
    {
        var path = _folder.PathOf("file");
        Directory.CreateDirectory(path);
        File.WriteAllText(Path.Combine(path, "inside"), "");
        var refusal = Assert.Throws<LoraException>(() => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes("new"))));
        Assert.Contains(path, refusal.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.Path));
        Assert.True(File.Exists(Path.Combine(path, "inside")));
    }

    [Fact]
    public void A_file_in_the_place_of_a_folder_is_refused()
    {
        File.WriteAllText(_folder.PathOf("file"), "old");
        var refusal = Assert.Throws<LoraException>(() => AtomicFile.Write(_folder.PathOf("file/inside"), _ => { }));
        Assert.Contains("inside", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("old", File.ReadAllText(_folder.PathOf("file")));
    }
}
