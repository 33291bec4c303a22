using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using LoraGen;

namespace SdkDocs.Data;

/// <summary>Reads documentation files into members, one per documentation id.</summary>
internal static partial class DocReader
{
    /// <summary>All members that have a summary, in ordinal order of their ids.</summary>
    /// <exception cref="LoraException">A file cannot be read, or is not XML documentation.</exception>
    public static IReadOnlyList<DocMember> Read(IEnumerable<string> files)
    {
        var members = new SortedDictionary<string, DocMember>(StringComparer.Ordinal);
        foreach (var file in files)
        {
            foreach (var member in Load(file).Descendants("member"))
            {
                var id = (string?)member.Attribute("name");
                var summary = member.Element("summary") is { } element ? Text(element) : "";
                if (id is null || !DocumentationId().IsMatch(id))
                {
                    throw new LoraException($"{file}: member name: expected a documentation id such as T:System.String, found '{id}'.");
                }

                if (summary.Length > 0)
                {
                    members.TryAdd(id, new DocMember(id, DocSignature.Of(id, [.. member.Elements("param").Select(p => (string?)p.Attribute("name") ?? "")]), summary));
                }
            }
        }

        return [.. members.Values];
    }

    private static XDocument Load(string file)
    {
        try
        {
            return XDocument.Load(file);
        }
        catch (XmlException e)
        {
            throw new LoraException($"{file}: line {e.LineNumber}: not well-formed XML documentation: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LoraException($"{file}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The text of a summary as a reader sees it: references by their short names, white space folded.</summary>
    private static string Text(XElement summary) => WhiteSpace().Replace(string.Concat(summary.Nodes().Select(Render)), " ").Trim();

    private static string Render(XNode node) => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "see" or "seealso" } see => Reference(see),
        XElement { Name.LocalName: "paramref" or "typeparamref" } reference => (string?)reference.Attribute("name") ?? "",
        XElement { Name.LocalName: "para" or "item" or "description" or "br" } block => $" {string.Concat(block.Nodes().Select(Render))} ",
        XElement element => string.Concat(element.Nodes().Select(Render)),
        _ => "",
    };

    private static string Reference(XElement see)
        => (string?)see.Attribute("langword")
        ?? (see.Nodes().Any() ? string.Concat(see.Nodes().Select(Render)) : null)
        ?? ((string?)see.Attribute("cref") is { } cref ? DocSignature.ShortName(cref) : (string?)see.Attribute("href") ?? "");

    [GeneratedRegex(@"^[A-Z]:.")]
    private static partial Regex DocumentationId();

    [GeneratedRegex(@"\s+")]
    private static partial Regex WhiteSpace();
}
