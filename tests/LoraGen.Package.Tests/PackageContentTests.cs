using System.IO.Compression;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;

namespace LoraGen.Package.Tests;

/// <summary>What is in the packages, entry by entry, and what they say of themselves.</summary>
public sealed class PackageContentTests(PackedFeed feed)
{
    private static readonly string[] OfEveryPackage = ["README.md", "icon.png"];

    [Fact]
    public void LoraGen_is_the_library_the_analyzers_and_the_build_steps_and_no_Roslyn()
        => AssertEntries(
            "LoraGen",
            "analyzers/dotnet/cs/LoraGen.CodeFixes.dll",
            "analyzers/dotnet/cs/LoraGen.Generators.dll",
            "buildTransitive/net10.0/LoraGen.props",
            "buildTransitive/net10.0/LoraGen.targets",
            "buildTransitive/net10.0/MendVersionNeeds.cs",
            "lib/net10.0/LoraGen.dll",
            "lib/net10.0/LoraGen.xml");

    [Theory]
    [InlineData("LoraGen.Training")]
    [InlineData("LoraGen.Transformers")]
    public void A_sibling_is_its_library_alone(string id) => AssertEntries(id, $"lib/net10.0/{id}.dll", $"lib/net10.0/{id}.xml");

    [Fact]
    public void The_template_is_three_short_files_two_texts_and_a_project()
        => AssertEntries(
            "LoraGen.Templates",
            "content/loragen/.template.config/template.json",
            "content/loragen/ByteModel.cs",
            "content/loragen/LoraGenDemo.csproj",
            "content/loragen/Program.cs",
            "content/loragen/TextTraining.cs",
            "content/loragen/text/base.txt",
            "content/loragen/text/style.txt");

    [Fact]
    public void The_template_asks_for_the_LoraGen_that_it_is_packed_with()
    {
        using var package = feed.Open("LoraGen.Templates");
        using var reader = new StreamReader(package.GetEntry("content/loragen/LoraGenDemo.csproj")!.Open());

        Assert.Contains($"<PackageReference Include=\"LoraGen\" Version=\"{feed.Version}\" />", reader.ReadToEnd(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("LoraGen", "TorchSharp 0.107.0")]
    [InlineData("LoraGen.Training", "LoraGen {version} with all that is in it")]
    [InlineData("LoraGen.Transformers", "LoraGen {version} with all that is in it", "Microsoft.ML.Tokenizers 2.0.1")]
    public void A_package_depends_on_no_more_than_it_uses(string id, params string[] expected)
    {
        var dependencies = Nuspec(id).Descendants().Where(element => element.Name.LocalName == "dependency").Select(dependency =>
            $"{dependency.Attribute("id")!.Value} {dependency.Attribute("version")!.Value}{(dependency.Attribute("include")?.Value == "All" ? " with all that is in it" : "")}");

        Assert.Equal(expected.Select(dependency => dependency.Replace("{version}", feed.Version, StringComparison.Ordinal)), dependencies);
    }

    [Theory]
    [InlineData("LoraGen")]
    [InlineData("LoraGen.Training")]
    [InlineData("LoraGen.Transformers")]
    [InlineData("LoraGen.Templates")]
    public void A_package_says_where_it_comes_from_and_what_one_may_do_with_it(string id)
    {
        var metadata = Nuspec(id).Root!.Elements().Single().Elements().ToDictionary(element => element.Name.LocalName);

        Assert.Equal(id, metadata["id"].Value);
        Assert.Equal("MIT", metadata["license"].Value);
        Assert.Equal("icon.png", metadata["icon"].Value);
        Assert.Equal("README.md", metadata["readme"].Value);
        Assert.Equal("git", metadata["repository"].Attribute("type")!.Value);
        Assert.True(metadata["description"].Value.Length > 40);
    }

    [Theory]
    [InlineData("LoraGen", "lib/net10.0/LoraGen.dll")]
    [InlineData("LoraGen", "analyzers/dotnet/cs/LoraGen.Generators.dll")]
    [InlineData("LoraGen", "analyzers/dotnet/cs/LoraGen.CodeFixes.dll")]
    [InlineData("LoraGen.Training", "lib/net10.0/LoraGen.Training.dll")]
    [InlineData("LoraGen.Transformers", "lib/net10.0/LoraGen.Transformers.dll")]
    public void An_assembly_is_built_so_that_the_same_source_gives_the_same_bytes(string id, string assembly)
    {
        using var package = feed.Open(id);
        using var image = new PEReader(new MemoryStream(Bytes(package.GetEntry(assembly)!)));

        Assert.Contains(image.ReadDebugDirectory(), entry => entry.Type == DebugDirectoryEntryType.Reproducible);
    }

    [Theory]
    [InlineData("LoraGen")]
    [InlineData("LoraGen.Training")]
    [InlineData("LoraGen.Transformers")]
    public void The_symbols_are_in_a_package_of_their_own(string id)
    {
        using var symbols = ZipFile.OpenRead(feed.PathOf(id, "snupkg"));

        Assert.Equal([$"lib/net10.0/{id}.pdb"], symbols.Entries.Select(entry => entry.FullName).Where(name => name.EndsWith(".pdb", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("LoraGen", "T:LoraGen.LoraTargetAttribute")]
    [InlineData("LoraGen.Training", "T:LoraGen.Training.Optimization.Trainer")]
    [InlineData("LoraGen.Transformers", "T:LoraGen.Transformers.Llama.LlamaForCausalLM")]
    public void The_documentation_is_there_for_the_editor(string id, string member)
    {
        using var package = feed.Open(id);
        var documentation = XDocument.Load(new MemoryStream(Bytes(package.GetEntry($"lib/net10.0/{id}.xml")!)));

        Assert.NotEmpty(documentation.Descendants("member").Single(element => element.Attribute("name")!.Value == member).Element("summary")!.Value.Trim());
    }

    private void AssertEntries(string id, params string[] expected)
    {
        using var package = feed.Open(id);
        // What every package has by its format is left out.
        var entries = package.Entries.Select(entry => entry.FullName)
            .Where(name => name != "[Content_Types].xml" && !name.StartsWith("_rels/", StringComparison.Ordinal) && !name.StartsWith("package/services/", StringComparison.Ordinal));
        Assert.Equal([.. expected.Concat(OfEveryPackage).Append($"{id}.nuspec").Order(StringComparer.Ordinal)], entries.Order(StringComparer.Ordinal));
    }

    private XDocument Nuspec(string id)
    {
        using var package = feed.Open(id);
        return XDocument.Load(new MemoryStream(Bytes(package.GetEntry($"{id}.nuspec")!)));
    }

    private static byte[] Bytes(ZipArchiveEntry entry)
    {
        using var stream = entry.Open();
        var bytes = new byte[entry.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
