using FsCheck;
using FsCheck.Fluent;
using static TorchSharp.torch;

namespace LoraGen.Tests.Sequences;

/// <summary>Commands in an order that nobody has thought of.</summary>
internal sealed record CommandSequence(IReadOnlyList<Command> Commands)
{
    private static readonly Gen<int> Age = Gen.Choose(0, 2);
    private static readonly Gen<int> Folder = Gen.Choose(0, 1);
    private static readonly Gen<string> Name = Gen.Elements("a", "b");
    private static readonly Gen<int> Seed = Gen.Choose(0, 999);
    private static readonly Gen<ScalarType> Dtype = Gen.Elements(ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float64);

    private static readonly Gen<Shape> Shapes =
        from rank in Gen.Choose(1, 3)
        from rslora in Gen.Elements(false, true)
        from whole in Gen.Elements(true, true, false)
        select new Shape(rank, rslora, whole);

    // The more often a command leads somewhere, the more often it is drawn.
    private static readonly Gen<Command> AnyCommand = Gen.Frequency<Command>(
        (3, from shape in Shapes from seed in Seed select (Command)new Create(shape, seed)),
        (2, from age in Age from seed in Seed select (Command)new Write(age, seed)),
        (2, from age in Age from seed in Seed select (Command)new LoadStateDict(age, seed)),
        (1, Age.Select(age => (Command)new Evaluate(age))),
        (4, Age.Select(age => (Command)new Serve(age))),
        (1, Age.Select(age => (Command)new Train(age))),
        (1, from age in Age from dtype in Dtype select (Command)new MoveAdapter(age, dtype)),
        (1, Age.Select(age => (Command)new Discard(age))),
        (3, from age in Age from folder in Folder select (Command)new Save(age, folder)),
        (4, Folder.Select(folder => (Command)new Load(folder))),
        (7, Age.Select(age => (Command)new Attach(age))),
        (5, from form in Gen.Elements(Enum.GetValues<MixedForm>()) from ages in Gen.Choose(-1, 2).ArrayOf(World.Rows) select (Command)new AttachMixed(form, ages)),
        (1, from age in Age from other in Age select (Command)new CombineTwo(age, other)),
        (1, Gen.Constant((Command)new Disable())),
        (5, from age in Age from name in Name select (Command)new GiveName(age, name)),
        (2, Name.Select(name => (Command)new AttachNamed(name))),
        (2, Name.Select(name => (Command)new DeleteNamed(name))),
        (9, from age in Age from folder in Folder select (Command)new HotSwap(age, folder)),
        (3, Gen.Constant((Command)new BeginDisabled())),
        (4, Gen.Constant((Command)new EndDisabled())),
        (4, Age.Select(age => (Command)new Merge(age))),
        (2, from age in Age from other in Age select (Command)new MergeTwo(age, other)),
        (1, Gen.Elements<Command>(new AttachForeign(), new MergeForeign())),
        (3, Gen.Constant((Command)new Unmerge())),
        (1, Dtype.Select(dtype => (Command)new MoveModel(dtype))),
        (5, Gen.Constant((Command)new TrainStep())),
        (7, Age.Select(age => (Command)new StepAgain(age))),
        (3, Age.Select(age => (Command)new FreeGradients(age))));

    /// <summary>Up to 60 commands; what fails is shrunk by leaving commands out, many at once and then one by one.</summary>
    public static Arbitrary<CommandSequence> Any { get; } = Arb.From(
        from count in Gen.Choose(1, 60)
        from commands in AnyCommand.ArrayOf(count)
        select new CommandSequence(commands),
        Shorter);

    private static IEnumerable<CommandSequence> Shorter(CommandSequence sequence)
        => from size in Halves(sequence.Commands.Count)
           from start in Enumerable.Range(0, sequence.Commands.Count - size + 1)
           select new CommandSequence([.. sequence.Commands.Take(start), .. sequence.Commands.Skip(start + size)]);

    private static IEnumerable<int> Halves(int count)
    {
        for (var size = count / 2; size > 0; size /= 2)
            yield return size;
    }

    public override string ToString() => string.Concat(Commands.Select(command => $"\n  {command}"));
}
