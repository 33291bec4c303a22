using System.Collections;
using System.ComponentModel;
using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Basic.Reference.Assemblies;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace LoraGen.Generators.Tests.Running;

/// <summary>A type of the library in Markdown, out of its XML documentation: what it is, and a table of what a user may call.</summary>
internal static partial class TypeReference
{
    private static readonly string Library = typeof(LoraModelAttribute).Assembly.Location;

    private static readonly CSharpCompilation Compilation = CSharpCompilation.Create(
        "Documented",
        references:
        [
            .. Net100.References.All,
            MetadataReference.CreateFromFile(typeof(TorchSharp.torch).Assembly.Location),
            MetadataReference.CreateFromFile(Library, documentation: XmlDocumentationProvider.CreateFromFile(Path.ChangeExtension(Library, ".xml"))),
        ]);

    // As a reader of C# writes it, without namespaces.
    private static readonly SymbolDisplayFormat Short = new(
        genericsOptions: SymbolDisplayGenericsOptions.IncludeTypeParameters,
        memberOptions: SymbolDisplayMemberOptions.IncludeParameters,
        parameterOptions: SymbolDisplayParameterOptions.IncludeType | SymbolDisplayParameterOptions.IncludeName | SymbolDisplayParameterOptions.IncludeDefaultValue,
        miscellaneousOptions: SymbolDisplayMiscellaneousOptions.UseSpecialTypes | SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier);

    public static string Of(Type type)
    {
        var symbol = Compilation.GetTypeByMetadataName(type.FullName!)!;
        var defaults = symbol.GetMembers().OfType<IPropertySymbol>().Any(property => property.SetMethod is not null) && type is { IsInterface: false, IsAbstract: false }
            ? Activator.CreateInstance(type)
            : null;
        var rows = symbol.GetMembers().Where(IsForUsers).OrderBy(member => member is IMethodSymbol).Select(member => Row(member, type, defaults)).ToList();
        var about = Documentation(symbol).Elements().Where(part => part.Name.LocalName is "summary" or "remarks").Select(Paragraphs);
        var table = rows.Count == 0 ? "" : $"\n{(type.IsEnum ? "| Member | |\n| --- | --- |" : defaults is null ? "| Member | Type | |\n| --- | --- | --- |" : "| Member | Type | Default | |\n| --- | --- | --- | --- |")}\n{string.Join('\n', rows)}\n";
        return $"\n{string.Join("\n\n", about)}\n{table}";
    }

    // What only generated code calls is hidden from completion, and from here. What a record or an override adds has no documentation.
    private static bool IsForUsers(ISymbol member)
        => member.DeclaredAccessibility == Accessibility.Public
            && member is IPropertySymbol or IMethodSymbol { MethodKind: MethodKind.Ordinary } or IFieldSymbol { ContainingType.TypeKind: TypeKind.Enum }
            && !member.GetAttributes().Any(attribute => attribute.AttributeClass?.Name == nameof(EditorBrowsableAttribute))
            && Documentation(member).Element("summary") is not null;

    private static string Row(ISymbol member, Type type, object? defaults)
    {
        var says = string.Join("<br>", Says(member)).Replace("|", "\\|", StringComparison.Ordinal);
        if (type.IsEnum)
        {
            return $"| `{member.Name}` | {says} |";
        }

        var returns = member is IPropertySymbol property ? property.Type : ((IMethodSymbol)member).ReturnType;
        var value = defaults is null ? "" : $" {Default(type.GetProperty(member.Name)!.GetValue(defaults))} |";
        return $"| `{member.ToDisplayString(Short)}` | `{returns.ToDisplayString(Short)}` |{value} {says} |";
    }

    private static IEnumerable<string> Says(ISymbol member)
    {
        var documentation = Documentation(member);
        yield return Paragraphs(documentation.Element("summary")!);
        foreach (var parameter in documentation.Elements("param"))
        {
            yield return $"`{parameter.Attribute("name")!.Value}`: {Paragraphs(parameter)}";
        }

        foreach (var result in documentation.Elements("returns"))
        {
            yield return $"Returns: {Paragraphs(result)}";
        }

        foreach (var exception in documentation.Elements("exception"))
        {
            yield return $"Throws {Referred(exception)}: {Paragraphs(exception)}";
        }
    }

    private static string Default(object? value) => value switch
    {
        null => "`null`",
        bool flag => flag ? "`true`" : "`false`",
        IEnumerable and not string => "empty",
        _ => $"`{Convert.ToString(value, CultureInfo.InvariantCulture)}`",
    };

    private static XElement Documentation(ISymbol symbol)
        => symbol.GetDocumentationCommentXml(cancellationToken: TestContext.Current.CancellationToken) is { Length: > 0 } text ? XElement.Parse(text) : new XElement("member");

    private static string Paragraphs(XElement element) => string.Join("\n\n", Space().Replace(string.Concat(element.Nodes().Select(Markdown)), " ").Trim().Split(" \u2029 "));

    private static string Markdown(XNode node) => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "para" } paragraph => $" \u2029 {string.Concat(paragraph.Nodes().Select(Markdown))}",
        XElement { Name.LocalName: "c" or "code" } code => $"`{code.Value.Trim()}`",
        XElement { Name.LocalName: "paramref" or "typeparamref" } name => $"`{name.Attribute("name")!.Value}`",
        XElement { Name.LocalName: "see" } reference => Referred(reference),
        _ => throw new InvalidOperationException($"expected an element that this page knows, found {node}"),
    };

    private static string Referred(XElement reference)
    {
        var symbol = DocumentationCommentId.GetFirstSymbolForDeclarationId(reference.Attribute("cref")!.Value, Compilation)!;
        return $"`{(symbol is INamedTypeSymbol ? symbol.Name : $"{symbol.ContainingType.Name}.{symbol.Name}")}`";
    }

    [GeneratedRegex(@"[ \r\n\t]+")]
    private static partial Regex Space();
}
