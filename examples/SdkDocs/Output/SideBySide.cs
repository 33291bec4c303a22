using SdkDocs.FineTuning;
using Spectre.Console;

namespace SdkDocs.Output;

/// <summary>A few held-out members with what the base and the adapter write for them.</summary>
internal static class SideBySide
{
    private const int Members = 5;

    public static void Print(DocTask task, MethodResult before, MethodResult after)
    {
        var grid = new Table().Border(TableBorder.Rounded).ShowRowSeparators().Title("Members that neither has seen");
        grid.AddColumn("base").AddColumn("base + adapter").AddColumn("documentation");
        for (var i = 0; i < Math.Min(Members, task.HeldOut.Count); i++)
        {
            var member = task.HeldOut[i].Member;
            Terminal.Console.WriteLine($"{i + 1}. {member.Signature}");
            grid.AddRow(
                new Text($"{i + 1}. {before.Summaries[i]}"), new Text($"{i + 1}. {after.Summaries[i]}"), new Text($"{i + 1}. {member.Summary}"));
        }

        Terminal.Console.Write(grid);
    }
}
