namespace LoraGen.Generators.Tests.Running;

/// <summary>
/// Compares a text with <c>Snapshots/Class.Method.verified.cs</c>. A difference or a missing snapshot fails and leaves a
/// <c>.received.cs</c> beside it; <c>ACCEPT_SNAPSHOTS=1</c> takes the received text over, never where <c>CI=true</c>.
/// </summary>
internal static class Snapshot
{
    public static string Folder { get; } = Path.Combine(Repository.Tests, "Snapshots");

    /// <summary>Whether what is generated takes the place of what is expected.</summary>
    public static bool IsToBeAccepted { get; } = Environment.GetEnvironmentVariable("ACCEPT_SNAPSHOTS") == "1" && Environment.GetEnvironmentVariable("CI") != "true";

    public static void Verify(string text, string testClass, string testMethod)
    {
        var verified = Path.Combine(Folder, $"{testClass}.{testMethod}.verified.cs");
        var received = Path.Combine(Folder, $"{testClass}.{testMethod}.received.cs");
        if (IsToBeAccepted)
        {
            File.WriteAllText(verified, text);
        }

        // A checkout may have changed the line ends; that the generated ones are '\n' has a test of its own.
        var expected = File.Exists(verified) ? File.ReadAllText(verified).ReplaceLineEndings("\n") : null;
        if (expected == text)
        {
            File.Delete(received);
            return;
        }

        File.WriteAllText(received, text);
        Assert.True(expected is not null, $"There is no {Path.GetFileName(verified)}: read the .received.cs beside it, then run with ACCEPT_SNAPSHOTS=1.");
        Assert.Equal(expected, text);
    }
}
