using LoraGen.Tests.Files;
using LoraGen.Tests.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGen.Tests.Arithmetic;

/// <summary>What an adapter in evaluation mode has kept never stands in for values that have changed since.</summary>
public sealed class ChangedValuesTests : IDisposable
{
    private readonly OneTarget _model = new(64, 48, dtype: ScalarType.BFloat16);
    private readonly OneTarget.Adapter _adapter;
    private readonly Tensor _x = Base.Input(5, 64).to_type(ScalarType.BFloat16);

    public ChangedValuesTests()
    {
        _adapter = _model.CreateAdapter().Trained();
        _model.ActiveAdapter = _adapter;
    }

    public void Dispose()
    {
        _adapter.Dispose();
        _model.Dispose();
        _x.Dispose();
    }

    // Every way to change values that the update can know of. Each doubles B after an evaluation has kept it.
    [Theory]
    [InlineData("train, write, eval")]
    [InlineData("load_state_dict of the adapter")]
    [InlineData("load_state_dict of the update")]
    [InlineData("load of TorchSharp's own file")]
    [InlineData("a tensor of state_dict")]
    [InlineData("to another dtype")]
    [InlineData("a step by a gradient from before the evaluation")]
    [InlineData("a step while the base is fp32")]
    [InlineData("requires_grad on and off in training mode")]
    public void A_change_is_seen(string way)
    {
        _adapter.eval();
        Record();
        if (way != "a step by a gradient from before the evaluation")
        {
            _adapter.zero_grad();
        }

        var before = Evaluate();
        Change(way);
        AssertIsFormula();
        Assert.NotEqual(before, Evaluate());
    }

    private void Change(string way)
    {
        using var inference = no_grad();
        using var scope = NewDisposeScope();
        var (a, b) = (_adapter.proj.A, _adapter.proj.B);
        var doubled = new Dictionary<string, Tensor> { ["lora_A.weight"] = a, ["lora_B.weight"] = b * 2 };
        switch (way)
        {
            case "train, write, eval":
                _adapter.train();
                b.mul_(2);
                _adapter.eval();
                break;
            case "load_state_dict of the adapter":
                _adapter.load_state_dict(doubled.ToDictionary(item => $"proj.{item.Key}", item => item.Value));
                break;
            case "load_state_dict of the update":
                _adapter.proj.load_state_dict(doubled);
                break;
            case "load of TorchSharp's own file":
                using (var folder = new ScratchFolder())
                {
                    var file = Path.Combine(folder.Path, "adapter.dat");
                    b.mul_(2);
                    _adapter.save(file);
                    b.div_(2);
                    Evaluate();
                    _adapter.load(file);
                }

                break;
            case "a tensor of state_dict":
                _adapter.state_dict()["proj.lora_B.weight"].mul_(2);
                break;
            case "to another dtype":
                _adapter.to(ScalarType.Float64);
                b = _adapter.proj.B;
                b.mul_(2);
                break;
            case "a step by a gradient from before the evaluation":
                using (var optimizer = optim.SGD(_adapter.parameters(), learningRate: 0.5))
                {
                    optimizer.step();
                }

                break;
            case "a step while the base is fp32":
                _model.to(ScalarType.Float32);
                using (enable_grad())
                using (var optimizer = optim.SGD(_adapter.parameters(), learningRate: 0.5))
                {
                    _model.call(_x.to_type(ScalarType.Float32)).square().mean().backward();
                    optimizer.step();
                }

                _adapter.zero_grad();
                _model.to(ScalarType.BFloat16);
                break;
            case "requires_grad on and off in training mode":
                _adapter.train();
                b.requires_grad = false;
                Evaluate();
                b.requires_grad = true;
                b.mul_(2);
                b.requires_grad = false;
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(way), way, "Unknown.");
        }
    }

    // The list in the middle is TorchSharp's own ModuleList.
    [Fact]
    public void A_change_through_a_part_of_a_tree_is_seen()
    {
        using var model = new Tower();
        model.to(ScalarType.BFloat16);
        using var adapter = model.CreateAdapter().Trained();
        using var x = Base.Input(3, Tower.Width).to_type(ScalarType.BFloat16);
        using var inference = no_grad();
        model.ActiveAdapter = adapter;
        adapter.eval();
        using var before = model.call(x);

        using (NewDisposeScope())
        {
            adapter.floors.load_state_dict(adapter.floors.state_dict().ToDictionary(item => item.Key, item => item.Value * 2));
        }

        using var after = model.call(x);
        adapter.train();
        using var anew = model.call(x);
        Assert.NotEqual(Base.Bytes(before), Base.Bytes(after));
        Assert.Equal(Base.Bytes(anew), Base.Bytes(after));
    }

    // The one change that nothing tells of, as A's documentation says.
    [Fact]
    public void What_is_written_by_hand_in_evaluation_mode_is_seen_after_train()
    {
        _adapter.eval();
        var before = Evaluate();
        using (no_grad())
        {
            _adapter.proj.B.mul_(2);
        }

        Assert.Equal(before, Evaluate());
        _adapter.train();
        AssertIsFormula();
    }

    private byte[] Evaluate()
    {
        using var inference = no_grad();
        using var y = _model.call(_x);
        return Base.Bytes(y);
    }

    private void Record()
    {
        using var scope = NewDisposeScope();
        _model.call(_x).to_type(ScalarType.Float32).square().mean().backward();
    }

    private void AssertIsFormula()
    {
        using var inference = no_grad();
        using var y = _model.call(_x);
        ForwardTests.AssertIsFormula(ForwardTests.ReferenceOf(_model, 4), _x, y);
    }
}
