using LoraGen.Generators.Models;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace LoraGen.Generators.Semantics;

/// <summary>A [LoraTarget] field: what it asks for, and what makes it a valid target.</summary>
internal sealed class LoraTargetField
{
    private static readonly SymbolFacts<INamedTypeSymbol, LoraTargetField[]> Targets = new(
        type => [.. type.FieldsInOrder().Select(Find).OfType<LoraTargetField>()]);

    /// <summary>What Init is unless given.</summary>
    public const string DefaultInit = "Kaiming";

    private static readonly string[] InitsForAll = [DefaultInit, "Gaussian", "Random"];

    private static readonly string[] InitsWithBias = [DefaultInit, "Random"];

    private LoraTargetField(IFieldSymbol field, AttributeData attribute)
    {
        Field = field;
        Attribute = attribute;
        Kind = ProjectionKind.All.FirstOrDefault(kind => field.Type.Is(kind.Type));
        Rank = attribute.FindArgument("Rank", 8);
        Alpha = attribute.FindArgument("Alpha", 8d);
        Dropout = attribute.FindArgument("Dropout", 0d);
        ByDefault = attribute.FindArgument("ByDefault", true);
        OutputHead = attribute.FindArgument("OutputHead", false);
        UseDora = attribute.FindArgument("UseDora", false);
        LoraBias = attribute.FindArgument("LoraBias", false);
        Init = attribute.FindMember("Init", DefaultInit);
        Slices = attribute.FindArgument("Slices", 1);
        Trained = attribute.FindNumbers("Trained");
        Accessor = attribute.FindArgument<string>("Name") ?? GeneratedNames.Accessor(field.Name);
    }

    public IFieldSymbol Field { get; }

    public AttributeData Attribute { get; }

    public int Rank { get; }

    public double Alpha { get; }

    public double Dropout { get; }

    public bool ByDefault { get; }

    public bool OutputHead { get; }

    public bool UseDora { get; }

    public bool LoraBias { get; }

    /// <summary>The member of LoraInit, or null where it is none.</summary>
    public string? Init { get; }

    public int Slices { get; }

    public IReadOnlyList<int>? Trained { get; }

    /// <summary>The name of the generated method that calls the projection.</summary>
    public string Accessor { get; }

    /// <summary>Who may call that method: who may use the field.</summary>
    public Accessibility AccessorAccessibility => (Field.DeclaredAccessibility, Field.ContainingType.IsSealed) switch
    {
        // A sealed class has no derived ones, and the compiler warns of new protected members in it.
        (Accessibility.Protected or Accessibility.ProtectedAndInternal, true) => Accessibility.Private,
        (Accessibility.ProtectedOrInternal, true) => Accessibility.Internal,
        var (declared, _) => declared,
    };

    public bool IsStatic => Field.IsStatic;

    /// <summary>The attribute can reach the hidden field of a property, for which code has no name.</summary>
    public bool IsHidden => Field.AssociatedSymbol is not null;

    /// <summary>What the user declared: the field or, for a hidden one, the property.</summary>
    public ISymbol Declaration => Field.AssociatedSymbol ?? Field;

    /// <summary>What the field's type is, or null where LoraGen cannot adapt it.</summary>
    public ProjectionKind? Kind { get; }

    public bool HasValidRank => Rank >= 1;

    public bool HasValidAlpha => Alpha > 0 && !double.IsInfinity(Alpha);

    public bool HasValidDropout => Dropout is >= 0 and < 1;

    /// <summary>Whether there is a projection that an update can be added to, be the values that the attribute gives as they may.</summary>
    public bool IsProjection => !IsStatic && !IsHidden && Kind is not null;

    /// <summary>What is wrong with Slices and Trained, in themselves and with each other, or null.</summary>
    public string? SlicesMistake => (Slices, Trained) switch
    {
        ( < 1, _) => $"there cannot be {Slices} slices",
        (1, null) => null,
        (_, null) => "Trained must say which of the slices are adapted, such as [0, 2]",
        (1, _) => "Slices must say of how many slices the output is made",
        (_, { Count: 0 }) => "Trained must name a slice",
        var (count, trained) when trained.Any(slice => slice < 0 || slice >= count) => $"slice {trained.First(slice => slice < 0 || slice >= count)} is not one of 0 to {count - 1}",
        var (_, trained) => trained.GroupBy(slice => slice).FirstOrDefault(group => group.Count() > 1) is { } repeated ? $"slice {repeated.Key} is named more than once" : null,
    };

    /// <summary>Which of the attribute's options do not go with the field's type or with each other, or null.</summary>
    public string? VariantMistake => this switch
    {
        { Init: null } => "Init must be a member of LoraInit",
        { Trained: not null, Kind: { IsLinear: false } kind } => $"{kind.Noun} has no slices",
        { Trained: not null, UseDora: true } => "DoRA is not for slices, but for the whole projection",
        { LoraBias: true, Kind: { } kind } when kind == ProjectionKind.Embedding => "the B of an embedding has no bias",
        { LoraBias: true, UseDora: true } => "the B of DoRA has no bias",
        { LoraBias: true, Trained: not null } => "the B of a slice has no bias",
        { LoraBias: true } when !InitsWithBias.Contains(Init) => $"a B with a bias cannot begin with LoraInit.{Init}",
        { Trained: not null } when !InitsForAll.Contains(Init) => $"slices cannot begin with LoraInit.{Init}",
        { Kind: { IsLinear: false } kind } when !InitsForAll.Contains(Init) => $"{kind.Noun} cannot begin with LoraInit.{Init}",
        { Init: "Orthogonal", HasValidRank: true } when Rank % 2 != 0 => "LoraInit.Orthogonal needs an even rank",
        { HasValidRank: true, HasValidAlpha: true } when float.IsInfinity((float)(Alpha / Rank)) => "the scale Alpha / Rank must be a finite fp32 number",
        _ => null,
    };

    /// <summary>Why the projection's output has no such slices, or null; that an embedding or a convolution has none at all is a VariantMistake.</summary>
    public string? FindSlicesMistake(NewProjection projection)
        => Trained is not null && Kind is { IsLinear: true } && projection.Out is { } outputs && outputs % Slices != 0 ? $"{Slices} slices cannot share {outputs} outputs" : null;

    /// <summary>Why the projection cannot have the update or the start that is asked for, or null.</summary>
    public string? FindVariantMistake(NewProjection projection) => this switch
    {
        _ when projection.HasMaxNorm => "an embedding with max_norm changes its weight in every call, and cannot be adapted",
        { ByDefault: true } when projection.Groups > 1 => "a convolution of several groups cannot be adapted, and with ByDefault = false only be saved whole",
        { Init: "Eva" } when projection.In < Rank => $"LoraInit.Eva needs a rank of at most {projection.In}, the directions that its inputs have",
        { Init: "Pissa" or "Olora" or "Loftq" } when Math.Min(projection.In ?? Rank, projection.Out ?? Rank) is var most && most < Rank => $"LoraInit.{Init} needs a rank of at most {most}, that of the weight",
        _ => null,
    };

    /// <summary>Whether what is wrong with the attribute is said here: <c>[LoraTarget(Rank = 0)] Linear q, v;</c> has one mistake.</summary>
    public bool IsFirstOfDeclaration
        => Field.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax() is not VariableDeclaratorSyntax { Parent: VariableDeclarationSyntax declaration } variable
            || declaration.Variables[0] == variable;

    /// <summary>What stands in the text for one of the attribute's values, or null where it is left at its default.</summary>
    public ExpressionSyntax? FindValue(string name)
        => (Attribute.ApplicationSyntaxReference?.GetSyntax() as AttributeSyntax)?.ArgumentList?.Arguments
            .FirstOrDefault(argument => argument.NameEquals?.Name.Identifier.ValueText == name)?.Expression;

    /// <summary>The targets that a class declares, in source order.</summary>
    public static IReadOnlyList<LoraTargetField> In(INamedTypeSymbol type) => Targets.Of(type);

    public static LoraTargetField? Find(IFieldSymbol field)
        => field.FindAttribute(KnownTypes.LoraTargetAttribute) is { } attribute ? new LoraTargetField(field, attribute) : null;
}
