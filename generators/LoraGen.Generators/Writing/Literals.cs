using System.Globalization;
using Microsoft.CodeAnalysis.CSharp;

namespace LoraGen.Generators.Writing;

/// <summary>Writes values and names as C#, whatever the culture of the machine.</summary>
internal static class Literals
{
    public static string Quote(string value) => SymbolDisplay.FormatLiteral(value, quote: true);

    /// <summary>The text of an interpolated string that shows <paramref name="value"/> as it is, without the quotes.</summary>
    public static string Interpolated(string value) => Unquoted(Quote(value)).Replace("{", "{{").Replace("}", "}}");

    private static string Unquoted(string literal) => literal.Substring(1, literal.Length - 2);

    /// <summary>The text of a doc comment that shows <paramref name="value"/> on one line.</summary>
    public static string Comment(string value)
        => SymbolDisplay.FormatLiteral(value, quote: false).Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;");

    /// <summary>The shortest digits that read back as <paramref name="value"/>.</summary>
    public static string Number(double value)
    {
        var shortest = value.ToString("R", CultureInfo.InvariantCulture);

        // .NET Framework's "R", which Visual Studio runs, does not read back for every value.
        return double.Parse(shortest, CultureInfo.InvariantCulture).Equals(value) ? shortest : value.ToString("G17", CultureInfo.InvariantCulture);
    }

    /// <summary>The same as a literal of type double.</summary>
    public static string Double(double value) => Number(value) + "d";

    public static string Integer(int value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>The identifier as it is written in code: keywords are escaped.</summary>
    public static string Identifier(string name)
        => SyntaxFacts.GetKeywordKind(name) == SyntaxKind.None ? name : "@" + name;
}
