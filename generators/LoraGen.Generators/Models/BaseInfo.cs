namespace LoraGen.Generators.Models;

/// <summary>The [LoraModel] class that another one derives from: the derived class adds to its members.</summary>
/// <param name="AdapterType">Its adapter, the base class of the derived one's: <c>global::Sample.Layer.Adapter</c>.</param>
/// <param name="RootAdapterType">The adapter of the first [LoraModel] class in the line, which the overridden methods take.</param>
internal sealed record BaseInfo(string AdapterType, string RootAdapterType);
