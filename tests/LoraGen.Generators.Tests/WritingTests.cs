using System.Globalization;
using LoraGen.Generators.Writing;

namespace LoraGen.Generators.Tests;

/// <summary>The pieces that every emitted line is made of.</summary>
public sealed class WritingTests
{
    [Fact]
    public void Lines_are_indented_and_end_as_on_every_platform()
    {
        var writer = new IndentedWriter();
        using (writer.Open("class A"))
        {
            writer.Write("int x;\r\n\r\nint y;");
            using (writer.Open("void B()"))
            {
                writer.Write("x = y;");
            }

            writer.Write("int z;");
        }

        Assert.Equal("class A\n{\n    int x;\n\n    int y;\n    void B()\n    {\n        x = y;\n    }\n\n    int z;\n}\n", writer.ToString());
    }

    [Theory]
    [InlineData(8, "8d")]
    [InlineData(0.1, "0.1d")]
    [InlineData(1d / 3, "0.3333333333333333d")]
    [InlineData(double.MaxValue, "1.7976931348623157E+308d")]
    [InlineData(double.Epsilon, "5E-324d")]
    public void Numbers_read_back_as_they_were(double value, string literal)
    {
        Assert.Equal(literal, Literals.Double(value));
        Assert.Equal(value, double.Parse(literal.TrimEnd('d'), CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("up", "up")]
    [InlineData("class", "@class")]
    [InlineData("record", "record")]
    public void Keywords_are_escaped(string name, string written) => Assert.Equal(written, Literals.Identifier(name));

    [Fact]
    public void A_components_name_stays_inside_its_literal_and_its_comment()
    {
        const string name = "a\"\n{b}\\<c>&";
        Assert.Equal("\"a\\\"\\n{b}\\\\<c>&\"", Literals.Quote(name));
        Assert.Equal("a\\\"\\n{{b}}\\\\<c>&", Literals.Interpolated(name));
        Assert.DoesNotContain('\n', Literals.Comment(name));
        Assert.Contains("&lt;c&gt;&amp;", Literals.Comment(name), StringComparison.Ordinal);
    }
}
