using LoraGen;
using SdkDocs.Data;

namespace SdkDocs.Tests;

public class DocSplitTests
{
    [Fact]
    public void Overloads_equal_summaries_and_equal_signatures_stay_on_one_side()
    {
        // A chain: 0 and 1 are overloads, 1 and 2 have one summary, 2 and 3 one signature; whoever takes one takes all four.
        DocMember[] chain =
        [
            new("M:N.A.Do", "method N.A.Do()", "First."),
            new("M:N.A.Do(System.Int32)", "method N.A.Do(int x)", "Second."),
            new("P:N.B.Value", "property N.B.Value", "second."),
            new("P:N.B.VALUE", "property N.B.value", "Third."),
        ];
        for (var seed = 0; seed < 20; seed++)
        {
            var split = DocSplit.Of([.. chain, .. Unrelated(40)], [], seed);
            Assert.Contains(chain.Count(split.HeldOut.Contains), new[] { 0, 4 });
            AssertNoLeak(split, 44);
        }
    }

    [Fact]
    public void A_summary_that_the_base_was_trained_on_is_never_held_out()
    {
        var members = Unrelated(100);
        var known = members.Take(50).Select(member => member with { Id = "T:Core", Signature = "type Core" }).ToList();
        var split = DocSplit.Of(members, known, 1);
        Assert.NotEmpty(split.HeldOut);
        Assert.Empty(split.HeldOut.Intersect(members.Take(50)));
    }

    [Fact]
    public void The_seed_decides_the_split()
    {
        var members = Unrelated(200);
        Assert.Equal(DocSplit.Of(members, [], 1).HeldOut, DocSplit.Of(members, [], 1).HeldOut);
        Assert.NotEqual(DocSplit.Of(members, [], 1).HeldOut, DocSplit.Of(members, [], 2).HeldOut);
    }

    [Fact]
    public void The_documentation_of_this_SDK_splits_without_a_leak()
    {
        var (core, web) = ReadOrSkip();
        var split = DocSplit.Of(web, core, 1);
        AssertNoLeak(split, web.Count);
        Assert.InRange(split.HeldOut.Count, 0.04 * web.Count, 0.06 * web.Count);
        var pretrained = core.Select(member => member.Summary.ToLowerInvariant()).ToHashSet();
        Assert.DoesNotContain(split.HeldOut, member => pretrained.Contains(member.Summary.ToLowerInvariant()));
    }

    private static DocCorpus ReadOrSkip()
    {
        try
        {
            return DocCorpus.Read(null);
        }
        catch (LoraException e)
        {
            Assert.Skip($"This machine's .NET has no XML documentation: {e.Message}");
            throw;
        }
    }

    // Written out again, not taken from the code under test: name before the parameters, signature, summary.
    private static void AssertNoLeak(DocSplit split, int members)
    {
        Assert.Equal(members, split.Train.Count + split.HeldOut.Count);
        Assert.Empty(split.Train.Select(member => member.Id).Intersect(split.HeldOut.Select(member => member.Id)));
        AssertDisjoint(member => member.Id.Contains('(') ? member.Id[..member.Id.IndexOf('(')] : member.Id);
        AssertDisjoint(member => member.Signature.ToUpperInvariant());
        AssertDisjoint(member => member.Summary.ToUpperInvariant());

        void AssertDisjoint(Func<DocMember, string> key) => Assert.Empty(split.Train.Select(key).Intersect(split.HeldOut.Select(key)));
    }

    private static DocMember[] Unrelated(int count)
        => [.. Enumerable.Range(0, count).Select(i => new DocMember($"T:N.T{i}", $"type N.T{i}", $"Summary {i}."))];
}
