using System.Diagnostics;
using LoraGen.Tests.Saver;

namespace LoraGen.Tests.Files;

/// <summary>A process of its own that saves the two adapters of <see cref="TwoAdapters"/> in turn until it is killed.</summary>
internal sealed class SaverProcess : IDisposable
{
    private readonly Process _process;

    /// <summary>Starts the process, which takes a while to load libtorch, and does not wait for it.</summary>
    public SaverProcess()
    {
        var program = Path.Combine(AppContext.BaseDirectory, $"{typeof(TwoAdapters).Assembly.GetName().Name}.dll");
        _process = Process.Start(new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [program])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,

            // Else .NET opens a pipe for debuggers in the temporary folder, which nobody removes after a kill.
            Environment = { ["DOTNET_EnableDiagnostics"] = "0" },
        })!;
    }

    /// <summary>Waits until it is ready, and lets it save.</summary>
    public void SaveInto(string folder)
    {
        Assert.Equal("ready", _process.StandardOutput.ReadLine());
        _process.StandardInput.WriteLine(folder);
    }

    public bool HasExited => _process.HasExited;

    /// <summary>SIGKILL: nothing of the process runs after it, no finally and no Dispose.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }
}
