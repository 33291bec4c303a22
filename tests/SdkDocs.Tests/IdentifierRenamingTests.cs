using SdkDocs.Data;
using SdkDocs.Pretraining;

namespace SdkDocs.Tests;

public class IdentifierRenamingTests
{
    private static readonly DocMember Member = new(
        "M:System.Net.HttpListener.GetContext",
        "method System.Net.HttpListener.GetContext(HttpListenerContext context)",
        "Waits until the HttpListener has a request. Gets it as HttpListenerContext; see HttpListenerRequest.");

    private static readonly IdentifierRenaming Renaming = new([Member, new("T:System.IO.FileStream", "type System.IO.FileStream", "A stream.")]);

    [Fact]
    public void A_shared_identifier_gets_one_new_name_in_both_texts()
    {
        var seen = new HashSet<string>();
        for (var seed = 0; seed < 50; seed++)
        {
            var renamed = Renaming.Apply(Member, new Random(seed));
            var name = renamed.Signature.Split('.')[2];
            seen.Add(name);
            Assert.Contains($"until the {name} has", renamed.Summary);
            var parameter = renamed.Signature.Split('(')[1].Split(' ')[0];
            Assert.Contains($"as {parameter};", renamed.Summary);
        }

        // Seven in ten are renamed, each time by other words.
        Assert.InRange(seen.Count, 20, 45);
        Assert.Contains("HttpListener", seen);
    }

    [Fact]
    public void What_stands_in_only_one_of_the_texts_stays()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var renamed = Renaming.Apply(Member, new Random(seed));
            Assert.StartsWith("method System.Net.", renamed.Signature);
            Assert.Contains(".GetContext(", renamed.Signature);
            Assert.EndsWith("see HttpListenerRequest.", renamed.Summary);
            Assert.StartsWith("Waits until the ", renamed.Summary);
        }
    }
}
