using SdkDocs.FineTuning;
using Spectre.Console;

namespace SdkDocs.Output;

/// <summary>A few held-out members with what the base writes for them, what the adapter writes, and what the documentation says.</summary>
internal static class SideBySide
{
    private const int Members = 5;

    public static void Print(DocTask task, MethodResult before, MethodResult after)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
        for (var i = 0; i < Math.Min(Members, task.HeldOut.Count); i++)
        {
            var member = task.HeldOut[i].Member;
            grid.AddEmptyRow();
            grid.AddRow(new Text(""), new Text(member.Signature, new Style(decoration: Decoration.Bold)));
            grid.AddRow(new Text("  base"), new Text(before.Summaries[i]));
            grid.AddRow(new Text("  adapter"), new Text(after.Summaries[i]));
            grid.AddRow(new Text("  documentation"), new Text(member.Summary));
        }

        Terminal.Console.WriteLine();
        Terminal.Console.WriteLine("Members that no model here has seen:");
        Terminal.Console.Write(grid);
        Terminal.Console.WriteLine();
    }
}
