using System.Text.RegularExpressions;
using LoraGen.Generators.Tests.Running;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraGen.Generators.Tests;

/// <summary>
/// The C# samples of a page compile as one project, without a warning. A sample with usings is a file as it stands; one without has those
/// of all samples. Statements are the body of a method of their own. <c>&lt;!-- fragment: why --&gt;</c> above a sample leaves it out.
/// </summary>
public sealed partial class SampleTests
{
    // The SDK's ImplicitUsings, which a new project has.
    private const string ImplicitUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;

        """;

    // The class that samples speak of whose page shows none.
    private const string Mlp = """
        [LoraModel]
        internal sealed partial class Mlp : Module<Tensor, Tensor>
        {
            [LoraTarget] private readonly Linear up_proj;

            public Mlp(long width)
                : base(nameof(Mlp))
            {
                up_proj = Linear(width, 4 * width);
                RegisterComponents();
            }

            public override Tensor forward(Tensor x) => UpProj(x);
        }

        """;

    private static readonly MetadataReference[] Siblings =
    [
        MetadataReference.CreateFromFile(typeof(Training.CausalLmLoss).Assembly.Location),
        MetadataReference.CreateFromFile(typeof(Transformers.Llama.LlamaConfig).Assembly.Location),
    ];

    // ReadmeTests, GeneratedCodePageTests and DiagnosticPagesTests know more of the samples of their pages.
    private static readonly Regex HasTestsOfItsOwn = OtherTests();

    public static TheoryData<string> Pages => [.. Markdown.Pages.Where(page => !HasTestsOfItsOwn.IsMatch(page) && SamplesOf(page).Any())];

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task The_samples_of_a_page_compile_without_a_warning(string page)
    {
        var samples = SamplesOf(page).Where(sample => sample.Reason is null).Select(sample => sample.Code).ToList();
        if (!samples.Any(sample => sample.Contains("[LoraModel]", StringComparison.Ordinal)))
        {
            samples.Add(Mlp);
        }

        var run = GeneratorRun.Of(TestCompilation.Create([ParseFile(ImplicitUsings, "ImplicitUsings.cs"), .. samples.Select(Parse)]).AddReferences(Siblings));

        // What is only hidden says that a sample's usings are implicit ones, too.
        Assert.DoesNotContain(run.Complaints, complaint => complaint.Severity >= DiagnosticSeverity.Warning);
        Assert.Empty(await Analysis.Of(run));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void A_fragment_says_why_it_is_one(string page)
        => Assert.All(SamplesOf(page), sample => Assert.False(sample.Reason?.Trim().Length == 0, $"{page}: a fragment without a reason:\n{sample.Code}"));

    private static IEnumerable<(string? Reason, string Code)> SamplesOf(string page)
        => Sample().Matches(Markdown.Read(page)).Select(sample => (sample.Groups["reason"] is { Success: true } reason ? reason.Value : null, sample.Groups["code"].Value));

    private static SyntaxTree Parse(string code, int index)
    {
        var path = $"Sample{index}.cs";
        var root = ParseFile(code, path).GetCompilationUnitRoot(TestContext.Current.CancellationToken);
        var statements = string.Concat(root.Members.OfType<GlobalStatementSyntax>().Select(statement => statement.ToFullString()));
        if (statements.Length > 0)
        {
            var others = root.RemoveNodes(root.Members.OfType<GlobalStatementSyntax>(), SyntaxRemoveOptions.KeepNoTrivia)!.ToFullString();
            code = $"{others}\ninternal static class Statements{index}\n{{\n    internal static void Run()\n    {{\n{statements}\n    }}\n}}\n";
        }

        return root.Usings.Count > 0 ? ParseFile(code, path) : TestCompilation.Parse(code, path);
    }

    private static SyntaxTree ParseFile(string code, string path)
        => CSharpSyntaxTree.ParseText(code, TestCompilation.ParseOptions, path, cancellationToken: TestContext.Current.CancellationToken);

    [GeneratedRegex(@"^(README|docs/generated-code|docs/diagnostics/LORA\d+)\.md$")]
    private static partial Regex OtherTests();

    [GeneratedRegex("(?:<!-- fragment:(?<reason>[^\n]*)-->\n)?^```(?:csharp|cs|c#|C#)\n(?<code>.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Sample();
}
