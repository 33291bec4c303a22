using Basic.Reference.Assemblies;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Testing;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.Testing;

namespace LoraGen.Generators.Tests.Running;

/// <summary>A sample under an analyzer and, where there is one, its code fix; the generator runs as it does for a user.</summary>
internal sealed class CodeTest<TAnalyzer, TFix> : CSharpCodeFixTest<TAnalyzer, TFix, DefaultVerifier>
    where TAnalyzer : DiagnosticAnalyzer, new()
    where TFix : CodeFixProvider, new()
{
    public CodeTest(string source, string? fixedSource = null)
    {
        TestCode = TestCompilation.Usings + source;
        if (fixedSource is not null)
        {
            FixedCode = TestCompilation.Usings + fixedSource;
        }

        ReferenceAssemblies = new ReferenceAssemblies("net10.0");
        TestState.AdditionalReferences.AddRange(Net100.References.All);
        TestState.AdditionalReferences.AddRange(TestCompilation.Libraries);
        TestBehaviors |= TestBehaviors.SkipGeneratedSourcesCheck;
    }

    protected override IEnumerable<Type> GetSourceGenerators() => [typeof(LoraModelGenerator)];

    protected override CompilationOptions CreateCompilationOptions() => TestCompilation.Options;

    protected override ParseOptions CreateParseOptions() => TestCompilation.ParseOptions;
}
