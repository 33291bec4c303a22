namespace SdkDocs.Data;

/// <summary>One documented member.</summary>
/// <param name="Id">Its documentation id, such as <c>M:System.IO.File.Exists(System.String)</c>.</param>
/// <param name="Signature">What the model reads: <c>method System.IO.File.Exists(string path)</c>.</param>
/// <param name="Summary">What the model writes.</param>
internal sealed record DocMember(string Id, string Signature, string Summary)
{
    /// <summary>The id without parameters: all overloads of a method share it.</summary>
    public string OverloadGroup => Id.Split('(')[0].Split("``")[0];
}
