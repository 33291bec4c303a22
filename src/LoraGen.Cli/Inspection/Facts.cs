namespace LoraGen.Cli.Inspection;

/// <summary>Names and values, one below the other.</summary>
internal static class Facts
{
    public static void Write(params (string Name, string Value)[] facts)
    {
        var width = facts.Max(fact => fact.Name.Length);
        foreach (var (name, value) in facts)
        {
            Console.WriteLine($"{name.PadRight(width)}  {value}");
        }
    }
}
