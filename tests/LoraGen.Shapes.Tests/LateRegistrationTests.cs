using LoraGen.Shapes.Tests.Running;
using Sample;

namespace LoraGen.Shapes.Tests;

/// <summary>A base class that registers in its own constructor, and a derived one that registers the rest.</summary>
public sealed class LateRegistrationTests() : ShapeTests<LateRegistration, LateRegistration.Adapter>(new LateRegistration(Width, registers: true))
{
    protected override string[] BaseKeys => ["up.weight", "up.bias", "down.weight", "down.bias"];

    protected override string[] Targets => ["up", "down"];

    protected override double[] Forward(Reference of, double[] x) => of.Target("down", of.Target("up", x));

    protected override LateRegistration.Adapter Load(string folder, LateRegistration model) => LateRegistration.Adapter.Load(folder, model);

    // Its weight would be in no checkpoint, and its update would be saved under a path that no module has.
    [Fact]
    public void A_projection_that_is_not_registered_is_refused_with_what_to_do()
    {
        using var model = new LateRegistration(Width, registers: false);
        var message = Assert.Throws<LoraException>(() => model.CreateAdapter()).Message;
        Assert.StartsWith("down: ", message, StringComparison.Ordinal);
        Assert.Contains("register_module", message, StringComparison.Ordinal);
        Assert.All(model.parameters(), parameter => Assert.True(parameter.requires_grad));
    }
}
