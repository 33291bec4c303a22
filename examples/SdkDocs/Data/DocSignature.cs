using System.Text.RegularExpressions;

namespace SdkDocs.Data;

/// <summary>Turns documentation ids into C#-like text: <c>M:System.String.Join``1(System.String)</c> to <c>method System.String.Join&lt;T&gt;(string separator)</c>.</summary>
internal static partial class DocSignature
{
    private static readonly Dictionary<string, string> Keywords = new()
    {
        ["System.Boolean"] = "bool", ["System.Byte"] = "byte", ["System.SByte"] = "sbyte", ["System.Char"] = "char", ["System.Decimal"] = "decimal",
        ["System.Double"] = "double", ["System.Single"] = "float", ["System.Int32"] = "int", ["System.UInt32"] = "uint", ["System.Int64"] = "long",
        ["System.UInt64"] = "ulong", ["System.Int16"] = "short", ["System.UInt16"] = "ushort", ["System.Object"] = "object", ["System.String"] = "string",
        ["System.Void"] = "void", ["System.IntPtr"] = "nint", ["System.UIntPtr"] = "nuint",
    };

    /// <summary>The signature that the model reads.</summary>
    /// <param name="id">The documentation id.</param>
    /// <param name="parameterNames">The documented parameter names, in order; a missing name is left out.</param>
    public static string Of(string id, IReadOnlyList<string> parameterNames)
    {
        var (kind, rest) = (id[0], id[2..]);
        var open = rest.IndexOf('(');
        var name = Generics((open < 0 ? rest : rest[..open]).Replace('#', '.')).Replace("..", ".");
        var constructor = name.EndsWith(".ctor", StringComparison.Ordinal) || name.EndsWith(".cctor", StringComparison.Ordinal);
        var word = (kind, constructor) switch
        {
            ('M', true) => "constructor",
            ('M', _) => "method",
            ('T', _) => "type",
            ('P', _) => "property",
            ('F', _) => "field",
            ('E', _) => "event",
            _ => "namespace",
        };
        var shown = constructor ? name[..name.LastIndexOf('.')].TrimEnd('.') : name;
        var list = open < 0
            ? (kind == 'M' ? "()" : "")
            : $"({string.Join(", ", Parameters(rest[(open + 1)..rest.LastIndexOf(')')]).Select((type, i) => i < parameterNames.Count ? $"{ShortType(type)} {parameterNames[i]}" : ShortType(type)))})";
        return $"{word} {shown}{list}";
    }

    /// <summary>The last name of a reference, as it reads in a sentence: <c>T:System.Collections.Generic.List`1</c> to <c>List&lt;T&gt;</c>.</summary>
    public static string ShortName(string cref)
    {
        var name = cref.Length > 2 && cref[1] == ':' ? cref[2..] : cref;
        var open = name.IndexOf('(');
        name = (open < 0 ? name : name[..open]).Replace('#', '.');
        return Keywords.GetValueOrDefault(name) ?? LastName(Generics(name));
    }

    // Commas inside braces belong to one parameter's type arguments, commas inside brackets to an array's rank.
    private static IEnumerable<string> Parameters(string list)
    {
        var (depth, start) = (0, 0);
        for (var i = 0; i < list.Length; i++)
        {
            depth += list[i] is '{' or '[' ? 1 : list[i] is '}' or ']' ? -1 : 0;
            if (list[i] == ',' && depth == 0)
            {
                yield return list[start..i];
                start = i + 1;
            }
        }

        yield return list[start..];
    }

    private static string ShortType(string type)
    {
        var byReference = type.EndsWith('@');
        var text = TypeName().Replace(type.TrimEnd('@'), match => Keywords.GetValueOrDefault(match.Value) ?? match.Value[(match.Value.LastIndexOf('.') + 1)..]);
        text = Backtick().Replace(text, match => TypeParameterName(int.Parse(match.Groups[1].Value)));
        text = text.Replace('{', '<').Replace('}', '>').Replace(",", ", ").Replace("0:", "");
        return byReference ? $"ref {text}" : text;
    }

    private static string LastName(string name)
    {
        var end = name.IndexOf('<') is var generic && generic > 0 ? name.LastIndexOf('.', generic) : name.LastIndexOf('.');
        return name[(end + 1)..];
    }

    private static string Generics(string name)
        => Backtick().Replace(name, match => $"<{string.Join(", ", Enumerable.Range(0, int.Parse(match.Groups[1].Value)).Select(TypeParameterName))}>")
            .Replace('{', '<').Replace('}', '>').Replace('@', ',');

    private static string TypeParameterName(int index) => index == 0 ? "T" : $"T{index + 1}";

    // `1 after a type and ``1 after a method count type parameters; `0 and ``0 inside a parameter list name one.
    [GeneratedRegex(@"`+(\d+)")]
    private static partial Regex Backtick();

    [GeneratedRegex(@"[A-Za-z_][\w.]*")]
    private static partial Regex TypeName();
}
