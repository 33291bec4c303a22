using System.CommandLine;

namespace SdkDocs.Commands;

/// <summary>A whole number of at least 1 on the command line.</summary>
internal static class PositiveOption
{
    public static Option<int> Create(string name, string description, int otherwise)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => otherwise };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var value) && value < 1)
            {
                result.AddError($"{name}: expected at least 1, found {value}.");
            }
        });
        return option;
    }
}
