using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraGen.Generators.Tests.Running;

/// <summary>
/// The shapes of a user's class in tests/LoraGen.Shapes, a file each or several with the same first part of their names. That project
/// compiles them, LoraGen.Shapes.Tests runs them, and here is what the generator writes for them.
/// </summary>
internal static class ShapeFiles
{
    private static readonly string Folder = Path.Combine(Repository.Root, "tests/LoraGen.Shapes");
    private static readonly Lazy<GeneratorRun> LazyRun = new(Generate);
    private static readonly Lazy<ILookup<string, SyntaxTree>> Generated = new(() => Run.GeneratedTrees.ToLookup(tree => ShapeOf(UsersFile(tree))));

    public static IEnumerable<string> Shapes { get; } = [.. PathsIn("Shapes").Select(ShapeOf).Distinct()];

    public static GeneratorRun Run => LazyRun.Value;

    /// <summary>The generated files of one shape, one after the other.</summary>
    public static string GeneratedFor(string shape) => string.Join('\n', Generated.Value[shape]
        .Select(tree => (Name: Path.GetFileName(tree.FilePath), Text: tree.ToString()))
        .OrderBy(file => file.Name, StringComparer.Ordinal)
        .Select(file => $"// {file.Name}\n{file.Text}"));

    private static GeneratorRun Generate()
    {
        var library = GeneratorRun.Of(TestCompilation.Create(TreesIn("Library")).WithAssemblyName("Library"));
        return GeneratorRun.Of(TestCompilation.Create(TreesIn("Shapes")).AddReferences(library.ToReference()));
    }

    private static IEnumerable<SyntaxTree> TreesIn(string project)
        => PathsIn(project).Select(path => CSharpSyntaxTree.ParseText(File.ReadAllText(path), TestCompilation.ParseOptions, path));

    // Sorted, since the fields of a class in several files have the files' order.
    private static IEnumerable<string> PathsIn(string project) => Directory.GetFiles(Path.Combine(Folder, project), "*.cs").Order(StringComparer.Ordinal);

    private static string ShapeOf(string path) => Path.GetFileName(path).Split('.')[0];

    // Of the classes that a generated file opens, only the model itself has a base list.
    private static string UsersFile(SyntaxTree generated)
    {
        var model = generated.GetRoot().DescendantNodes().OfType<ClassDeclarationSyntax>().First(type => type.BaseList is not null);
        var symbol = Run.Output.GetSemanticModel(generated).GetDeclaredSymbol(model)!;
        return symbol.DeclaringSyntaxReferences.Select(part => part.SyntaxTree).First(tree => !Run.GeneratedTrees.Contains(tree)).FilePath;
    }
}
