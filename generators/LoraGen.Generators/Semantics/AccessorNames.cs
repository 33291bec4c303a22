using System.Text;

namespace LoraGen.Generators.Semantics;

/// <summary>The default names of the generated methods.</summary>
internal static class AccessorNames
{
    /// <summary>The field's name in PascalCase: <c>q_proj</c> is <c>QProj</c>, <c>_upProj</c> is <c>UpProj</c>.</summary>
    public static string Default(string field)
    {
        var name = new StringBuilder(field.Length);
        foreach (var word in field.Split('_'))
        {
            if (word.Length > 0)
            {
                name.Append(char.ToUpperInvariant(word[0])).Append(word, 1, word.Length - 1);
            }
        }

        return name.ToString();
    }
}
