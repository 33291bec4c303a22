using System.Diagnostics;

namespace LoraGen.Package.Tests;

/// <summary>A program that ran to its end: how it ended and what it wrote, to both streams.</summary>
public sealed record ProgramRun(int ExitCode, string Output)
{
    public static ProgramRun DotNet(string workingDirectory, string[] arguments, Dictionary<string, string>? environment = null)
        => Of(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", workingDirectory, arguments, environment);

    public static ProgramRun Of(string program, string workingDirectory, string[] arguments, Dictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = workingDirectory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // `dotnet test` leaves its own MSBuild's places in the environment; the child has to find its own.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("MSBuild", StringComparison.OrdinalIgnoreCase)).ToList())
        {
            start.Environment.Remove(name);
        }
        // A server that stays on holds the child's output open: there would be no end to read to.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        foreach (var (name, value) in environment ?? []) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new ProgramRun(process.ExitCode, output + errors.Result);
    }
}
