using SdkDocs.Data;

namespace SdkDocs.Tests;

public class DocSignatureTests
{
    [Theory]
    [InlineData("T:System.Collections.Generic.List`1", "", "type System.Collections.Generic.List<T>")]
    [InlineData("P:System.String.Length", "", "property System.String.Length")]
    [InlineData("F:System.DayOfWeek.Monday", "", "field System.DayOfWeek.Monday")]
    [InlineData("E:System.AppDomain.ProcessExit", "", "event System.AppDomain.ProcessExit")]
    [InlineData("M:System.IO.Stream.Flush", "", "method System.IO.Stream.Flush()")]
    [InlineData("M:System.IO.File.Exists(System.String)", "path", "method System.IO.File.Exists(string path)")]
    [InlineData("M:System.Version.#ctor(System.Int32,System.Int32)", "major,minor", "constructor System.Version(int major, int minor)")]
    [InlineData("M:System.Int32.TryParse(System.String,System.Int32@)", "s,result", "method System.Int32.TryParse(string s, ref int result)")]
    [InlineData("M:System.Linq.Enumerable.ToDictionary``2(System.Collections.Generic.IEnumerable{System.Collections.Generic.KeyValuePair{``0,``1}})", "source",
        "method System.Linq.Enumerable.ToDictionary<T, T2>(IEnumerable<KeyValuePair<T, T2>> source)")]
    [InlineData("M:System.Collections.Generic.List`1.Add(`0)", "item", "method System.Collections.Generic.List<T>.Add(T item)")]
    [InlineData("M:System.Array.Copy(System.Int32[0:,0:],System.Byte[])", "", "method System.Array.Copy(int[, ], byte[])")]
    [InlineData("M:A.B.System#IDisposable#Dispose", "", "method A.B.System.IDisposable.Dispose()")]
    public void A_documentation_id_reads_like_code(string id, string parameters, string expected)
        => Assert.Equal(expected, DocSignature.Of(id, parameters.Length == 0 ? [] : parameters.Split(',')));

    [Theory]
    [InlineData("T:System.Collections.Generic.List`1", "List<T>")]
    [InlineData("T:System.String", "string")]
    [InlineData("M:System.IO.File.Exists(System.String)", "Exists")]
    [InlineData("P:System.Exception.Message", "Message")]
    public void A_reference_reads_by_its_last_name(string cref, string expected) => Assert.Equal(expected, DocSignature.ShortName(cref));
}
