using System.Globalization;
using Microsoft.CodeAnalysis;

namespace LoraGen.Generators.Semantics;

/// <summary>Two projections of one adapter that give an option different values, of which PEFT's format has one for all.</summary>
/// <param name="Option">The option's name.</param>
/// <param name="First">The first projection of the model.</param>
/// <param name="FirstValue">Its value as C#.</param>
/// <param name="Other">One with another value, of the class itself if there is one.</param>
/// <param name="OtherValue">That value.</param>
internal sealed record SharedOptionConflict(string Option, LoraTargetField First, string FirstValue, LoraTargetField Other, string OtherValue)
{
    private static readonly (string Name, Func<LoraTargetField, string?> Value)[] Options =
    [
        // What an embedding says of it has no effect.
        ("Dropout", target => target.HasValidDropout && target.Kind!.Drops ? target.Dropout.ToString(CultureInfo.InvariantCulture) : null),
        ("UseDora", target => target.UseDora ? "true" : "false"),
        ("LoraBias", target => target.LoraBias ? "true" : "false"),
    ];

    /// <summary>Those that a class brings together: what one of its children or its base class has among itself is said there.</summary>
    public static IEnumerable<SharedOptionConflict> In(LoraModelClass model)
        => from option in Options
           let conflict = Find(model.Type, option.Name, option.Value)
           where conflict is not null && !Parts(model).Any(part => Find(part, option.Name, option.Value) is not null)
           select conflict;

    private static SharedOptionConflict? Find(INamedTypeSymbol type, string option, Func<LoraTargetField, string?> valueOf)
    {
        var targets = AdaptedByDefault(type).Where(target => valueOf(target) is not null).ToList();
        var others = targets.Where(target => valueOf(target) != valueOf(targets[0])).ToList();
        return others.FirstOrDefault(target => SymbolEqualityComparer.Default.Equals(target.Field.ContainingType, type)) is { } own ? Make(own)
            : others.Count > 0 ? Make(others[0])
            : null;

        SharedOptionConflict Make(LoraTargetField other) => new(option, targets[0], valueOf(targets[0])!, other, valueOf(other)!);
    }

    private static IEnumerable<LoraTargetField> AdaptedByDefault(INamedTypeSymbol type)
    {
        var tree = ModuleTree.Of(type);
        var list = type.WithBaseTypes().Where(t => t.IsModel()).Select(t => new LoraModelClass(t).ModulesToSave).FirstOrDefault(names => names is not null) ?? [];
        var saved = list.SelectMany(tree.Named).SelectMany(node => node.Model is { } model ? TargetsIn(ModuleTree.Of(model)) : [node.Target]).ToList();
        return TargetsIn(tree).OfType<LoraTargetField>().Where(target => target is { IsProjection: true, ByDefault: true } && !saved.Contains(target));
    }

    private static IEnumerable<LoraTargetField?> TargetsIn(ModuleTree tree) => tree.Classes.SelectMany(ModuleNode.In).Select(node => node.Target);

    // Classes may contain each other, and are then no parts of each other.
    private static IEnumerable<INamedTypeSymbol> Parts(LoraModelClass model)
        => ModuleTree.Of(model.Type).Classes.Skip(1)
            .Where(type => !ModuleTree.Of(type).Classes.Contains(model.Type, SymbolEqualityComparer.Default))
            .Concat(model.Base is null ? [] : [model.Base.OriginalDefinition]);
}
