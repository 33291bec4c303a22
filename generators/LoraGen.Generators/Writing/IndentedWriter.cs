using System.Text;

namespace LoraGen.Generators.Writing;

/// <summary>Collects lines of code under the current indentation. Lines end with '\n' on every platform, so that the output is the same.</summary>
internal sealed class IndentedWriter
{
    private readonly StringBuilder _text = new();
    private int _depth;
    private bool _isAfterBlock;

    /// <summary>Writes lines, each under the current indentation; blank ones stay empty, and one follows each block.</summary>
    public void Write(string lines)
    {
        if (_isAfterBlock)
        {
            Space();
        }

        for (var start = 0; start <= lines.Length;)
        {
            var end = lines.IndexOf('\n', start);
            var next = end < 0 ? lines.Length : end;

            // A raw string literal holds whatever line ends this repository was checked out with.
            var length = (next > start && lines[next - 1] == '\r' ? next - 1 : next) - start;
            _text.Append(' ', length == 0 ? 0 : 4 * _depth).Append(lines, start, length).Append('\n');
            start = next + 1;
        }
    }

    /// <summary>Writes an empty line.</summary>
    public void Space()
    {
        _text.Append('\n');
        _isAfterBlock = false;
    }

    /// <summary>Writes a header and the brace under it; disposing the result closes the brace.</summary>
    public Block Open(string header)
    {
        Write(header);
        return Open();
    }

    /// <summary>Writes an opening brace; disposing the result closes it.</summary>
    public Block Open()
    {
        Write("{");
        _depth++;
        return new Block(this);
    }

    public override string ToString() => _text.ToString();

    internal readonly struct Block(IndentedWriter writer) : IDisposable
    {
        public void Dispose()
        {
            writer._depth--;
            writer._isAfterBlock = false;
            writer.Write("}");
            writer._isAfterBlock = true;
        }
    }
}
