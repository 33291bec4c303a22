using System.Text.RegularExpressions;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests;

/// <summary>
/// docs/reference.md says what the XML documentation of the library says: what stands below <c>&lt;!-- members of Type --&gt;</c> is made
/// from it. With <c>ACCEPT_SNAPSHOTS=1</c> it is made anew.
/// </summary>
public sealed partial class ReferencePageTests
{
    private static readonly string Page = Path.Combine(Repository.Root, "docs/reference.md");

    private static readonly Type[] Documented =
    [
        typeof(LoraModelAttribute), typeof(LoraTargetAttribute), typeof(LoraConfig), typeof(LoraInit), typeof(TrainedBiases), typeof(ILoraModel<>), typeof(LoraAdapter), typeof(LowRankUpdate),
        typeof(EmbeddingUpdate), typeof(ConvUpdate), typeof(Conv1D), typeof(CombineOptions), typeof(RankChoice), typeof(LoraException),
    ];

    [Fact]
    public void It_says_what_the_XML_documentation_says()
    {
        var expected = Section().Replace(Text(), section => $"{section.Groups["mark"].Value}\n{TypeReference.Of(Named(section.Groups["type"].Value))}\n<!-- /members -->");
        if (Snapshot.IsToBeAccepted)
        {
            File.WriteAllText(Page, expected);
        }

        Assert.Equal(expected, Text());
    }

    [Fact]
    public void It_has_each_type_once()
        => Assert.Equal(Documented.Select(NameOf), Section().Matches(Text()).Select(section => section.Groups["type"].Value));

    private static Type Named(string name) => Assert.Single(Documented, type => NameOf(type) == name);

    private static string NameOf(Type type) => type.Name.Split('`')[0];

    private static string Text() => File.ReadAllText(Page).ReplaceLineEndings("\n");

    [GeneratedRegex("(?<mark><!-- members of (?<type>\\w+) -->)\n.*?<!-- /members -->", RegexOptions.Singleline)]
    private static partial Regex Section();
}
