using System.Reflection;
using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>Targets that others may use to every degree.</summary>
public sealed class AccessibilitiesTests() : ShapeTests<Accessibilities, Accessibilities.Adapter>(new Accessibilities(Width))
{
    protected override string[] BaseKeys =>
    [
        "a.weight", "a.bias", "b.weight", "b.bias", "c.weight", "c.bias", "d.weight", "d.bias", "e.weight", "e.bias", "f.weight", "f.bias",
    ];

    protected override string[] Targets => ["a", "b", "c", "d", "e", "f"];

    protected override double[] Forward(Reference of, double[] x)
        => of.Target("f", of.Target("e", of.Target("d", of.Target("c", of.Target("b", of.Target("a", x))))));

    protected override Accessibilities.Adapter Load(string folder, Accessibilities model) => Accessibilities.Adapter.Load(folder, model);

    [Theory]
    [InlineData("A", MethodAttributes.Public)]
    [InlineData("B", MethodAttributes.FamORAssem)]
    [InlineData("C", MethodAttributes.Family)]
    [InlineData("D", MethodAttributes.Assembly)]
    [InlineData("E", MethodAttributes.FamANDAssem)]
    [InlineData("F", MethodAttributes.Private)]
    public void An_accessor_is_for_those_whom_its_field_is_for(string accessor, MethodAttributes expected)
    {
        var method = typeof(Accessibilities).GetMethod(accessor, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
        Assert.Equal(expected, method!.Attributes & MethodAttributes.MemberAccessMask);
    }
}
