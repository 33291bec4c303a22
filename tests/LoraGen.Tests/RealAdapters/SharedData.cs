namespace LoraGen.Tests.RealAdapters;

/// <summary>Files made by others, which lie beside the repository on some machines and are no part of it.</summary>
internal static class SharedData
{
    /// <summary>The path of a file or folder below <c>../shared/data</c>; the test is skipped where it is absent.</summary>
    public static string PathOf(string relative)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, "shared", "data", relative);
            if (Path.Exists(path))
                return path;
        }

        Assert.Skip($"../shared/data/{relative} is not on this machine.");
        return "";
    }
}
