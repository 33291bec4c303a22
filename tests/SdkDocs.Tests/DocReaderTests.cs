using LoraGen;
using SdkDocs.Data;

namespace SdkDocs.Tests;

public sealed class DocReaderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sdkdocs reader ü").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_summary_is_the_text_that_a_reader_sees()
    {
        var file = Write("a.xml", """
            <doc><members>
              <member name="M:N.C.Do(System.String)">
                <summary>Gets the <see cref="T:System.Collections.Generic.List`1" /> of
                  <paramref name="key" />, or <see langword="null" />. <para>See <see cref="M:N.C.Other(System.Int32)">that one</see>.</para></summary>
                <param name="key">The key.</param>
              </member>
              <member name="T:N.NoSummary"><remarks>Nothing.</remarks></member>
              <member name="T:N.Blank"><summary>   </summary></member>
            </members></doc>
            """);
        var member = Assert.Single(DocReader.Read([file]));
        Assert.Equal("method N.C.Do(string key)", member.Signature);
        Assert.Equal("Gets the List<T> of key, or null. See that one.", member.Summary);
    }

    [Fact]
    public void The_same_member_in_two_files_counts_once()
    {
        const string text = """<doc><members><member name="T:N.C"><summary>One.</summary></member></members></doc>""";
        Assert.Single(DocReader.Read([Write("a.xml", text), Write("b.xml", text)]));
    }

    [Fact]
    public void Broken_XML_is_an_error_with_file_and_line()
    {
        var file = Write("broken.xml", "<doc>\n<members>");
        var error = Assert.Throws<LoraException>(() => DocReader.Read([file]));
        Assert.Contains($"{file}: line 2: not well-formed XML documentation", error.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("X")]
    [InlineData("System.String")]
    public void A_member_without_a_documentation_id_is_an_error_with_file_and_name(string name)
    {
        var file = Write("odd.xml", $"""<doc><members><member name="{name}"><summary>One.</summary></member></members></doc>""");
        var error = Assert.Throws<LoraException>(() => DocReader.Read([file]));
        Assert.Contains($"{file}: member name: expected a documentation id such as T:System.String, found '{name}'", error.Message);
    }

    [Fact]
    public void A_missing_pack_is_an_error_with_the_folder_and_the_cure()
    {
        var error = Assert.Throws<LoraException>(() => SdkPacks.DocumentationFiles(_folder, "Microsoft.NETCore.App.Ref"));
        Assert.Contains(Path.Combine(_folder, "Microsoft.NETCore.App.Ref"), error.Message);
        Assert.Contains("--packs", error.Message);
    }

    [Fact]
    public void The_newest_version_of_a_pack_is_read()
    {
        foreach (var version in new[] { "9.0.11", "10.0.2", "10.0.1" })
        {
            Write(Path.Combine("P", version, "ref", "net", "a.xml"), "<doc/>");
        }

        Assert.Contains("10.0.2", Assert.Single(SdkPacks.DocumentationFiles(_folder, "P")));
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }
}
