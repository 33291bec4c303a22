using Microsoft.CodeAnalysis.Text;

namespace LoraGen.Generators.Models;

/// <summary>A [LoraModel] class that a second part cannot be added to.</summary>
/// <param name="File">The file with the class's name.</param>
/// <param name="Span">Where in it the name stands.</param>
/// <param name="Type">The class, or the type around it that is in the way.</param>
/// <param name="Demand">What that type must be, as a part of a sentence.</param>
/// <param name="Model">The class.</param>
internal sealed record ClosedClassInfo(string File, TextSpan Span, string Type, string Demand, string Model);
