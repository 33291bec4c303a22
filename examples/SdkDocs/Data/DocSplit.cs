namespace SdkDocs.Data;

/// <summary>Members to train on and members to judge by.</summary>
/// <param name="Train">The training set.</param>
/// <param name="HeldOut">Members that share neither overload group, signature nor summary with any training member.</param>
internal sealed record DocSplit(IReadOnlyList<DocMember> Train, IReadOnlyList<DocMember> HeldOut)
{
    private const double HeldOutShare = 0.05;

    // "Gets or sets the name." joins hundreds of members into one group; a group that large would be the whole held-out set.
    private const int LargestHeldOutGroup = 20;

    /// <summary>
    /// Splits by groups of members that belong together: overloads of one another, or with the same signature or summary but for case.
    /// </summary>
    /// <param name="members">The members to split.</param>
    /// <param name="pretrained">What the base was trained on; its summaries never serve as held-out ones.</param>
    /// <param name="seed">Seed of the choice.</param>
    public static DocSplit Of(IReadOnlyList<DocMember> members, IReadOnlyList<DocMember> pretrained, int seed)
    {
        var known = pretrained.Select(member => TextKey(member.Summary)).ToHashSet();
        var groups = Groups(members);
        var order = Enumerable.Range(0, groups.Count).ToArray();
        new Random(seed).Shuffle(order);

        var heldOut = new List<DocMember>();
        foreach (var group in order.Select(index => groups[index]))
        {
            if (group.Count <= LargestHeldOutGroup && !group.Exists(member => known.Contains(TextKey(member.Summary))))
            {
                heldOut.AddRange(group);
            }

            if (heldOut.Count >= HeldOutShare * members.Count)
            {
                break;
            }
        }

        var ids = heldOut.Select(member => member.Id).ToHashSet();
        return new DocSplit([.. members.Where(member => !ids.Contains(member.Id))], heldOut);
    }

    /// <summary>Connected components of "belongs together", in the order of their first members.</summary>
    private static List<List<DocMember>> Groups(IReadOnlyList<DocMember> members)
    {
        var parent = Enumerable.Range(0, members.Count).ToArray();
        var firstWith = new Dictionary<string, int>();
        for (var i = 0; i < members.Count; i++)
        {
            foreach (var key in Keys(members[i]))
            {
                if (!firstWith.TryAdd(key, i))
                {
                    parent[Root(i)] = Root(firstWith[key]);
                }
            }
        }

        return [.. Enumerable.Range(0, members.Count).GroupBy(Root).Select(group => group.Select(i => members[i]).ToList())];

        int Root(int i)
        {
            while (parent[i] != i)
            {
                parent[i] = parent[parent[i]];
                i = parent[i];
            }

            return i;
        }
    }

    /// <summary>What two members must not share across the split.</summary>
    private static IEnumerable<string> Keys(DocMember member)
        => [$"overloads {member.OverloadGroup}", $"signature {TextKey(member.Signature)}", $"summary {TextKey(member.Summary)}"];

    private static string TextKey(string text) => text.ToLowerInvariant();
}
