namespace LoraGen.Generators.Models;

/// <summary>One annotated projection.</summary>
/// <param name="Kind">What the field's type is.</param>
/// <param name="Component">How TorchSharp registers it and for what the adapter changes.</param>
/// <param name="Accessor">The generated method that calls the projection: <c>QProj</c>.</param>
/// <param name="Accessibility">Who may call it: who may use the field.</param>
/// <param name="Rank">The rank r of the update.</param>
/// <param name="Alpha">The numerator of the scale alpha / r.</param>
/// <param name="Dropout">The probability of dropping an input of A.</param>
/// <param name="ByDefault">Whether it is adapted where no config names what is.</param>
/// <param name="OutputHead">Whether it is the model's output head.</param>
/// <param name="UseDora">Whether its weight is decomposed into magnitude and direction.</param>
/// <param name="Init">How A and B begin: a member of LoraInit.</param>
/// <param name="Slices">Of how many slices its output is made.</param>
/// <param name="Trained">Which of them are adapted; none where the whole is.</param>
/// <param name="LoraBias">Whether B has a bias.</param>
internal sealed record TargetInfo(
    ProjectionKind Kind,
    ComponentInfo Component,
    string Accessor,
    string Accessibility,
    int Rank,
    double Alpha,
    double Dropout,
    bool ByDefault,
    bool OutputHead,
    bool UseDora,
    string Init,
    int Slices,
    EquatableArray<int> Trained,
    bool LoraBias);
