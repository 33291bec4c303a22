using LoraGen.CodeFixes;
using LoraGen.Generators.Tests.Running;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;

namespace LoraGen.Generators.Tests.Diagnostics;

/// <summary>The rules that look into bodies, and the code fixes, meet code that does not compile yet.</summary>
public sealed class HalfTypedFixTests
{
    private const string Sample = """
        using System.Linq;
        class Outer
        {
            [LoraModel]
            public class Block() : Module<Tensor, Tensor>("Block")
            {
                [LoraTarget(Rank = 0)] private readonly Linear fc = Linear(4, 4);
                [LoraTarget, ComponentName(Name = "a.b")] private readonly LayerNorm norm = LayerNorm(4);
                public override Tensor forward(Tensor x) => fc.call(x);
            }
        }
        class Plain() : Module("Plain") { private readonly Outer.Block inner = new(); [LoraTarget] Linear up = Linear(4, 4); }
        [LoraModel]
        partial class Gpt : Module<Tensor, Tensor>
        {
            [LoraTarget] private readonly Linear q = Linear(4, 4), k = Linear(4, 4);
            private readonly List<Gpt> a = new List<Gpt>(2) { new(0) };
            private readonly Gpt[] b;
            private readonly Module? c;
            public Gpt(int n) : base("Gpt")
            {
                (b, c) = (new[] { new Gpt(n) }, new Gpt(n));
                a.Add(Enumerable.Range(0, b.Length).Select(_ => new Gpt(0)).ToList()[0]);
            }
            public override Tensor forward(Tensor x)
            {
                var (p, r) = (q, n: k);
                if (this is { q: { } s, k: var t } && (q, k) is (var u, not null)) { x = s.call(u.call(t.call(x))); }
                foreach (var (i, j) in new[] { (q, k), (p, r) }) { x = i.call(j?.call(x) ?? x); }
                x = new[] { q, k }.Select(m => m.call(x)).First() + Sequential(("q", p), ("k", x is null ? k : r)).append(q).call(x);
                x = (x switch { null => q, var y when y is not null => k }).call(functional.linear(x, q.weight!.to(x.dtype), q.bias));
                var pair = (first: q, 1); List<Linear> list = [.. b.Length > 0 ? [p] : new List<Linear> { k }];
                return pair.first.call(list[^1].call(x)) + ((Module<Tensor, Tensor>)(p ??= q)).call(x);
            }
        }
        """;

    private static readonly LoraCodeFix[] Fixes =
        [.. typeof(LoraCodeFix).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(LoraCodeFix)) && !type.IsAbstract).Select(type => (LoraCodeFix)Activator.CreateInstance(type)!)];

    private static readonly Project Project = new AdhocWorkspace()
        .AddProject("Sample", LanguageNames.CSharp)
        .WithCompilationOptions(TestCompilation.Options)
        .WithParseOptions(TestCompilation.ParseOptions)
        .AddMetadataReferences(TestCompilation.Create().References);

    [Fact]
    public async Task The_sample_gives_each_fix_something_to_do()
    {
        var offered = await FixAll(Sample);
        Assert.Equal(Fixes.Select(fix => fix.GetType().Name).Order(), offered.Distinct().Order());
    }

    [Fact]
    public Task Nothing_throws_wherever_the_user_stopped_typing()
        => Parallel.ForEachAsync(Enumerable.Range(0, Sample.Length / 101), TestContext.Current.CancellationToken, async (part, _) => await FixAll(Sample[..(101 * part)]));

    [Fact]
    public Task Nothing_throws_whichever_token_is_missing()
    {
        var tokens = TestCompilation.Parse(Sample, "Sample.cs").GetRoot(TestContext.Current.CancellationToken).DescendantTokens().SkipWhile(token => token.Text != "class").ToList();
        return Parallel.ForEachAsync(
            Enumerable.Range(0, tokens.Count / 19),
            TestContext.Current.CancellationToken,
            async (missing, _) => await FixAll("using System.Linq;\n" + string.Concat(tokens.Where((_, index) => index != 19 * missing).Select(token => token.ToFullString()))));
    }

    // Applies each fix that is offered for anything that is reported, and says which.
    private static async Task<IReadOnlyList<string>> FixAll(string source)
    {
        var token = TestContext.Current.CancellationToken;
        var document = Project.AddDocument("Sample0.cs", TestCompilation.Usings + source);
        var offered = new List<string>();
        foreach (var diagnostic in await Analysis.Of(GeneratorRun.Of(source)))
        {
            foreach (var fix in Fixes.Where(fix => fix.FixableDiagnosticIds.Contains(diagnostic.Id)))
            {
                var actions = new List<CodeAction>();
                await fix.RegisterCodeFixesAsync(new CodeFixContext(document, diagnostic, (action, _) => actions.Add(action), token));
                foreach (var action in actions)
                {
                    await action.GetOperationsAsync(token);
                    offered.Add(fix.GetType().Name);
                }
            }
        }

        return offered;
    }
}
