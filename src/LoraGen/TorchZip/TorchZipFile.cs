using System.Collections.ObjectModel;
using LoraGen.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraGen.TorchZip;

/// <summary>
/// A dictionary of tensors that <c>torch.save</c> wrote (<c>adapter_model.bin</c>, <c>pytorch_model.bin</c>), opened for reading. Its
/// pickle is read by a machine that knows tensors and nothing else: a file that names any other class or function is refused, and
/// nothing out of it is ever run.
/// </summary>
public sealed class TorchZipFile : ITensorFile
{
    // Tensors may share a storage, as tied weights do. A file whose tensors are all views of one would be read into any amount of memory.
    private const int MostTimesShared = 8;

    // Under this one name examples of loralib keep the dictionary.
    private const string Wrapped = "model_state_dict";

    private readonly TorchArchive _archive;
    private readonly Dictionary<string, PickleTensor> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TorchZipEntry> _entries = new(StringComparer.Ordinal);

    private TorchZipFile(string path, TorchArchive archive)
    {
        (Path, _archive) = (path, archive);
        var room = (double)MostTimesShared * archive.Length;
        foreach (var (key, value) in Saved(TorchPickle.Read($"{path}: data.pkl", archive.Pickle())).Items)
        {
            var tensor = value as PickleTensor ?? throw new LoraException($"{path}: {Excerpt.Of(key)}: expected a tensor, found another value.");
            archive.Require(tensor.Storage);
            room -= (double)tensor.Elements * tensor.Storage.BytesPerElement;
            if (room < 0)
            {
                throw new LoraException($"{path}: {Excerpt.Of(key)}: expected tensors of at most {MostTimesShared} times the file's {archive.Length} bytes together, found more.");
            }

            _tensors.Add(key, tensor);
            _entries.Add(key, new TorchZipEntry(key, tensor.Storage.Dtype, new ReadOnlyCollection<long>(tensor.Shape)));
        }
    }

    /// <summary>The file that was opened.</summary>
    public string Path { get; }

    /// <summary>What the file says of every tensor, by key.</summary>
    public IReadOnlyDictionary<string, TorchZipEntry> Entries => _entries;

    IEnumerable<string> ITensorFile.Keys => _entries.Keys;

    IReadOnlyDictionary<string, string> ITensorFile.Metadata => ReadOnlyDictionary<string, string>.Empty;

    /// <summary>Opens a file and checks all of it but the tensors' values.</summary>
    /// <exception cref="ArgumentException">The path is null, empty or white space.</exception>
    /// <exception cref="LoraException">
    /// The file cannot be opened, is malformed, or is not a dictionary of tensors in the format of PyTorch 1.6 and later.
    /// </exception>
    public static TorchZipFile Open(string path)
    {
        GivenPath.Require(path);
        var archive = TorchArchive.Open(path, OpenStream(path));
        try
        {
            return new TorchZipFile(path, archive);
        }
        catch
        {
            archive.Dispose();
            throw;
        }
    }

    StoredTensor? ITensorFile.Find(string key) => _entries.TryGetValue(key, out var entry) ? new StoredTensor(entry.Dtype, entry.Shape) : null;

    /// <summary>Reads one tensor into contiguous memory of its own, in the file's dtype, on the CPU.</summary>
    /// <exception cref="LoraException">The file has no such key, or was changed after it was opened.</exception>
    public Tensor Read(string key)
    {
        if (!_tensors.TryGetValue(key, out var tensor))
        {
            throw new LoraException($"{Path}: {Excerpt.Of(key)}: expected a tensor of this name, found {_tensors.Count} others.");
        }

        using var scope = NewDisposeScope();
        var result = empty(tensor.Shape, tensor.Storage.Dtype, device: CPU);
        if (tensor.IsWhole)
        {
            _archive.Read(tensor.Storage, result);
        }
        else if (tensor.Elements > 0)
        {
            var storage = empty([tensor.Storage.Elements], tensor.Storage.Dtype, device: CPU);
            _archive.Read(tensor.Storage, storage);
            result.copy_(storage.as_strided(tensor.Shape, tensor.Strides, tensor.Offset));
        }

        return result.MoveToOuterDisposeScope();
    }

    private static PickleDictionary Saved(PickleDictionary root)
        => root.Items.FirstOrDefault() is (Wrapped, PickleDictionary inner) && root.Count == 1 ? inner : root;

    private static FileStream OpenStream(string path)
    {
        try
        {
            RegularFile.RequireAt(path);
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LoraException($"{path}: cannot be opened: {e.Message}", e);
        }
    }

    /// <summary>Closes the file; tensors that were read stay valid.</summary>
    public void Dispose() => _archive.Dispose();
}
