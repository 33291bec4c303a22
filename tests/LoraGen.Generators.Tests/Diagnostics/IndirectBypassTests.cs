using LoraGen.CodeFixes;
using LoraGen.Generators.Diagnostics;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests.Diagnostics;

/// <summary>LORA005 where the projection is not called under its own name.</summary>
public sealed class IndirectBypassTests
{
    [Fact]
    public Task A_local_copy_is_found() => Rule<BypassedAdapterAnalyzer>.Finds(Model("""
        Tensor Copy(Tensor x) { var p = q_proj; return [|p.call(x)|]; }
        Tensor Base(Tensor x) { Module<Tensor, Tensor> m = q_proj; return [|m.forward(x)|]; }
        Tensor Interface(Tensor x) { IModule<Tensor, Tensor> m = q_proj; return [|m.call(x)|]; }
        Tensor CopyOfACopy(Tensor x) { var p = q_proj; Module m = p; var n = (Module<Tensor, Tensor>)m; return [|n.call(x)|]; }
        Tensor AssignedLater(Tensor x, bool b) { Linear p; if (b) { p = k_proj; } else { p = q_proj; } return [|p.call(x)|]; }
        Tensor AssignedInPassing(Tensor x) { Linear? p = null; return [|(p ??= q_proj).call(x)|] + [|(p = v_proj).call(x)|]; }
        Tensor Deconstructed(Tensor x) { var (p, k) = (q_proj, k_proj); return [|p.call(x)|] + k.call(x); }
        Tensor Swapped(Tensor x) { var (p, k) = (q_proj, k_proj); (p, k) = (k, p); return [|p.call(x)|] + [|k.call(x)|]; }
        Tensor Tuple(Tensor x) { var pair = (first: q_proj, second: k_proj); return [|pair.first.call(x)|] + [|pair.Item1.call(x)|] + pair.second.call(x); }
        Tensor ThroughALambda(Tensor x) { var p = q_proj; Func<Tensor, Tensor> f = y => [|p.call(y)|]; return f(x); }
        Tensor Reference(Tensor x) { ref readonly Linear p = ref q_proj; return [|p.call(x)|]; }
        Tensor MayBeNull(Tensor x) { var p = q_proj; return p?[|.call(x)|] ?? x; }
        """));

    [Fact]
    public Task A_pattern_variable_is_found() => Rule<BypassedAdapterAnalyzer>.Finds(Model("""
        Tensor Declaration(Tensor x) => q_proj is Module<Tensor, Tensor> m ? [|m.call(x)|] : x;
        Tensor Var(Tensor x) => q_proj is var p ? [|p.call(x)|] : x;
        Tensor NotNull(Tensor x) { if (q_proj is not { } p) { return x; } return [|p.call(x)|]; }
        Tensor Both(Tensor x) => q_proj is { training: true } and var p ? [|p.call(x)|] : x;
        Tensor As(Tensor x) => [|(q_proj as Module<Tensor, Tensor>)!.call(x)|];
        Tensor Switch(Tensor x) => q_proj switch { Module<Tensor, Tensor> m => [|m.call(x)|], _ => x };
        Tensor SwitchStatement(Tensor x) { switch (q_proj) { case { } p: return [|p.call(x)|]; default: return x; } }
        Tensor Property(Tensor x) => this is { q_proj: var p } ? [|p.call(x)|] : x;
        Tensor Positional(Tensor x) => (q_proj, k_proj) is (var p, var k) ? [|p.call(x)|] + k.call(x) : x;
        """));

    [Fact]
    public Task A_choice_is_found() => Rule<BypassedAdapterAnalyzer>.Finds(Model("""
        Tensor Conditional(Tensor x, bool a) => [|(a ? q_proj : k_proj).call(x)|];
        Tensor Coalesced(Tensor x, Linear? other) => [|(other ?? q_proj).call(x)|];
        Tensor Switch(Tensor x, int i) => [|(i switch { 0 => k_proj, _ => q_proj }).call(x)|];
        Tensor ConditionalAccess(Tensor x, Attention? other) => [|(other?.q_proj ?? k_proj).call(x)|];
        Tensor Copied(Tensor x, bool a) { var p = a ? k_proj : q_proj; return [|p.call(x)|]; }
        """));

    [Fact]
    public Task The_message_names_all_that_it_may_be() => Rule<BypassedAdapterAnalyzer>.Says(
        "'q_proj' or 'v_proj' is called past its adapter: call 'QProj' or 'VProj' in its place",
        Model("Tensor Choice(Tensor x, bool a) => {|#0:(a ? q_proj : v_proj).call(x)|};"));

    [Fact]
    public Task An_item_of_a_collection_in_sight_is_found() => Rule<BypassedAdapterAnalyzer>.Finds(Model("""
        Tensor Array(Tensor x) { foreach (var p in new[] { k_proj, q_proj }) { x = [|p.call(x)|]; } return x; }
        Tensor Expression(Tensor x) { foreach (var p in (Linear[])[k_proj, q_proj]) { x = [|p.call(x)|]; } return x; }
        Tensor Local(Tensor x) { Linear[] all = [k_proj, q_proj]; foreach (Module<Tensor, Tensor> p in all) { x = [|p.call(x)|]; } return x; }
        Tensor Spread(Tensor x) { Linear[] some = [q_proj]; Linear[] all = [.. some, k_proj]; foreach (var p in all) { x = [|p.call(x)|]; } return x; }
        Tensor List(Tensor x) { foreach (var p in new List<Linear> { q_proj, k_proj }) { x = [|p.call(x)|]; } return x; }
        Tensor Tuples(Tensor x) { foreach (var (p, k) in new[] { (q_proj, k_proj) }) { x = [|p.call(x)|] + k.call(x); } return x; }
        Tensor Pairs(Tensor x) { foreach (var pair in new[] { (q_proj, k_proj) }) { x = [|pair.Item1.call(x)|] + pair.Item2.call(x); } return x; }
        Tensor Indexed(Tensor x) { var all = new[] { q_proj, k_proj }; return [|all[0].call(x)|] + [|all[^1].call(x)|]; }
        Tensor IndexedList(Tensor x) { var all = new List<Linear> { q_proj }; return [|all[0].call(x)|] + [|all[^1].call(x)|]; }
        Tensor Span(Tensor x) { ReadOnlySpan<Linear> all = [q_proj]; foreach (var p in all) { x = [|p.call(x)|]; } return x; }
        Tensor Dictionary(Tensor x) { var all = new Dictionary<string, Linear> { { "q", q_proj } }; return [|all["q"].call(x)|]; }
        Tensor[] Lambda(Tensor x) => System.Linq.Enumerable.ToArray(System.Linq.Enumerable.Select(new[] { q_proj }, p => [|p.call(x)|]));
        Tensor[] ConvertAll(Tensor x) => System.Array.ConvertAll([q_proj, v_proj], p => [|p.call(x)|]);
        void ForEach(Tensor x) => new List<Linear> { q_proj }.ForEach(p => [|p.call(x)|].Dispose());
        Tensor Sum(Tensor x) => new[] { q_proj }.Aggregate(x, (sum, p) => sum + [|p.call(x)|]);
        Tensor[] Numbered(Tensor x) => new[] { q_proj }.Select((p, i) => [|p.call(x)|] * i).ToArray();
        Tensor[] First(Tensor x) => new[] { q_proj }.Zip(new[] { k_proj }, (q, k) => [|q.call(x)|]).ToArray();
        Tensor[] Second(Tensor x) => new[] { q_proj }.Zip(new[] { k_proj }, (q, k) => k.call(x)).ToArray();
        """));

    [Fact]
    public Task What_a_function_of_the_same_body_takes_or_returns_is_found() => Rule<BypassedAdapterAnalyzer>.Finds(Model("""
        Tensor Returned(Tensor x) { Linear L() => q_proj; Linear K() { Func<Linear> f = () => q_proj; return k_proj; } return [|L().call(x)|] + K().call(x); }
        Tensor Lambda(Tensor x) { Func<Linear> get = () => q_proj, other = () => k_proj; return [|get().call(x)|] + other().call(x); }
        Tensor Group(Tensor x) { Linear L() { return q_proj; } Func<Linear> get = L; return [|get().call(x)|] + [|get.Invoke().call(x)|]; }
        Tensor Pair(Tensor x) { (Linear, Linear) L() => (q_proj, k_proj); return [|L().Item1.call(x)|] + L().Item2.call(x); }
        Tensor Given(Tensor x) { Tensor F(Linear l, Linear m) => [|l.call(x)|] + m.call(x); return F(q_proj, k_proj); }
        Tensor Generic(Tensor x) { T Same<T>(T l) => l; return [|Same(q_proj).call(x)|] + Same(k_proj).call(x); }
        Tensor Recursive(Tensor x) { Linear L(Linear l, int n) => n > 0 ? L(l, n - 1) : l; return [|L(q_proj, 2).call(x)|]; }
        Tensor Endless(Tensor x) { Linear L() => L(); Func<Linear> f = null!; f = () => f(); return L().call(f().call(x)); }
        """));

    [Fact]
    public Task An_item_that_came_through_Linq_is_found() => Rule<BypassedAdapterAnalyzer>.Finds(Model("""
        Tensor First(Tensor x) => [|new[] { q_proj }.First().call(x)|] + new[] { k_proj }.First().call(x);
        Tensor Reversed(Tensor x) { foreach (var p in new List<Linear> { q_proj, k_proj }.AsEnumerable().Reverse().ToList()) { x = [|p.call(x)|]; } return x; }
        Tensor Each(Tensor x) => new[] { q_proj }.Where(p => p is not null).Select(p => [|p.call(x)|]).Last();
        Tensor Counted(Tensor x) => new[] { q_proj }.Length > 0 ? k_proj.call(x) : x;
        """));

    [Fact]
    public Task A_part_of_an_anonymous_object_or_a_list_pattern_is_found() => Rule<BypassedAdapterAnalyzer>.Finds(Model("""
        Tensor Anonymous(Tensor x) { var both = new { q_proj, Key = k_proj }; return [|both.q_proj.call(x)|] + both.Key.call(x); }
        Tensor List(Tensor x) => new[] { q_proj } is [var p, ..] ? [|p.call(x)|] : x;
        Tensor Slice(Tensor x) => new[] { q_proj } is [_, .. var rest] ? [|rest[0].call(x)|] : x;
        """));

    [Fact]
    public Task A_method_group_is_found() => Rule<BypassedAdapterAnalyzer>.Finds(Model("""
        Func<Tensor, Tensor> Local() { var p = q_proj; Func<Tensor, Tensor> f = [|p.forward|]; return f; }
        Delegate Delegate() => new Func<Tensor, Tensor>([|((Module<Tensor, Tensor>)q_proj).call|]);
        Tensor[] ConvertAll(Tensor[] xs) => Array.ConvertAll(xs, [|q_proj.call|]);
        Func<Tensor, Tensor> Chosen(bool a) => (a ? q_proj : k_proj) is var p ? [|p.call|] : [|q_proj.call|];
        """));

    [Fact]
    public Task A_container_of_TorchSharp_is_found() => Rule<BypassedAdapterAnalyzer>.Finds(Model("""
        private readonly Module? block;
        private readonly ModuleList<Linear> list;
        Attention(bool b) : this("")
        {
            block = Sequential([|q_proj|], ReLU(), [|v_proj|]);
            list = [[|q_proj|], k_proj];
        }

        Tensor Names(Tensor x) => Sequential(("q", [|q_proj|]), ("k", k_proj)).call(x);
        Module Array() => Sequential(new Module<Tensor, Tensor>[] { [|q_proj|], k_proj });
        Module Local() { var all = new[] { ("q", (Module<Tensor, Tensor>)q_proj) }; return Sequential([|all|]); }
        Module Copy() { var p = q_proj; return Sequential([|p|]); }
        Module Choice(bool b) => Sequential([|b ? q_proj : k_proj|]);
        Module Appended() => Sequential(k_proj).append([|q_proj|]).append("v", [|v_proj|]);
        Module Nested() => Sequential(Sequential([|q_proj|]), ReLU());
        Module NewList() => new ModuleList<Linear>([|q_proj|], k_proj);
        Module Initialized() => new ModuleList<Linear> { [|q_proj|], k_proj };
        Module AnyList() => ModuleList([|q_proj|], ReLU());
        Module Dict() => ModuleDict(("q", [|q_proj|]));
        void Added(ModuleList<Module> list, ModuleDict<Module> dict)
        {
            list.Add([|q_proj|]);
            list.Insert(0, [|q_proj|]);
            list.append([|q_proj|], k_proj);
            list.extend([[|q_proj|]]);
            list[0] = [|q_proj|];
            dict.Add("q", [|q_proj|]);
            dict["q"] = [|q_proj|];
        }
        """));

    [Fact]
    public Task The_message_names_the_container() => Rule<BypassedAdapterAnalyzer>.Says(
        "'q_proj' is handed to a Sequential past its adapter: call 'QProj' in its place",
        Model("Tensor Run(Tensor x) => Sequential(k_proj, {|#0:q_proj|}).call(x);"));

    [Fact]
    public Task The_weight_in_functional_linear_is_found() => Rule<BypassedAdapterAnalyzer>.Finds(Model("""
        Tensor Direct(Tensor x) => [|functional.linear(x, q_proj.weight!, q_proj.bias)|];
        Tensor Named(Tensor x) => [|torch.nn.functional.linear(weights: q_proj.weight!, input: x)|];
        Tensor Local(Tensor x) { var w = q_proj.weight; return [|functional.linear(x, w!)|]; }
        Tensor Copy(Tensor x) { var p = q_proj; return [|functional.linear(x, p.weight!)|]; }
        Tensor Cast(Tensor x) => [|functional.linear(x, q_proj.weight!.to(x.dtype).detach())|];
        Tensor Half(Tensor x) => [|functional.linear(x, q_proj.weight!.half())|] + [|functional.linear(x, q_proj.weight!.bfloat16())|];
        Tensor Full(Tensor x) => [|functional.linear(x, q_proj.weight!.@float())|] + [|functional.linear(x, q_proj.weight!.@double())|];
        Tensor Moved(Tensor x) => [|functional.linear(x, q_proj.weight!.cpu())|] + [|functional.linear(x, q_proj.weight!.cuda().clone())|];
        Tensor Other(Tensor x) => functional.linear(x, q_proj.weight!.neg()) + functional.linear(x, k_proj.weight!.half());
        Tensor Function(Tensor x) { Func<Tensor, Tensor, Tensor?, Tensor> f = functional.linear; return [|f(x, q_proj.weight!, null)|] + f(x, k_proj.weight!, null); }
        Tensor CastInPlace(Tensor x) { Tensor w = q_proj.weight!; w = w.to(x.dtype); return [|functional.linear(x, w)|]; }
        Tensor Each(Tensor x) { foreach (var p in new[] { q_proj }) { x = [|functional.linear(x, p.weight!)|]; } return x; }
        """));

    // The head that is tied to an embedding is another projection than the embedding.
    [Fact]
    public Task The_weight_of_an_embedding_in_functional_linear_is_not() => Rule<BypassedAdapterAnalyzer>.Finds("""
        [LoraModel]
        public partial class Gpt() : Module<Tensor, Tensor>("Gpt")
        {
            [LoraTarget] private readonly Embedding wte = Embedding(8, 4);
            public override Tensor forward(Tensor ids) => functional.linear(Wte(ids), wte.weight!);
        }
        """);

    [Fact]
    public Task The_weight_of_a_convolution_in_its_function_is_found() => Rule<BypassedAdapterAnalyzer>.Finds(Convolution("""
        Tensor Direct(Tensor x) => [|functional.conv2d(x, conv.weight, conv.bias)|];
        Tensor SameSize(Tensor x) => [|functional.conv2d_padding(x, conv.weight.bfloat16(), padding: TorchSharp.Padding.Same)|];
        Tensor Function(Tensor x, Func<Tensor, Tensor, Tensor> g) { Func<Tensor, Tensor, Tensor> f = (a, b) => [|functional.conv2d(a, conv.weight)|]; return f(x, x); }
        Tensor Other(Tensor x) => functional.conv2d(x, stem.weight) + functional.conv2d(x, conv.weight.neg()) + functional.conv_transpose2d(x, conv.weight);
        """));

    [Fact]
    public Task The_message_names_the_function_of_a_convolution() => Rule<BypassedAdapterAnalyzer>.Says(
        "'conv' is computed by functional.conv2d past its adapter: call 'Conv' in its place",
        Convolution("Tensor Run(Tensor x) => {|#0:functional.conv2d(x, conv.weight)|};"));

    [Fact]
    public Task The_message_names_functional_linear() => Rule<BypassedAdapterAnalyzer>.Says(
        "'q_proj' is computed by functional.linear past its adapter: call 'QProj' in its place",
        Model("Tensor Run(Tensor x) => {|#0:functional.linear(x, q_proj.weight!)|};"));

    [Fact]
    public Task What_does_not_run_the_projection_is_not() => Rule<BypassedAdapterAnalyzer>.Finds(Model("""
        private readonly Linear[] all = [];
        private readonly ModuleList<Linear> own = ModuleList(Linear(4, 4));
        private static Linear Identity(Linear p) => p;

        Attention(bool b) : this("")
        {
            register_module("q_proj", q_proj);
            foreach (var p in new[] { q_proj, k_proj }) { init.xavier_uniform_(p.weight!); if (p.bias is { } bias) { init.zeros_(bias); } }
            Array.ForEach(new[] { q_proj }, p => init.zeros_(p.weight!));
        }

        long Size() { var p = q_proj; return p.in_features + q_proj.out_features; }
        bool Null() => q_proj is null || q_proj == k_proj || ReferenceEquals(q_proj, k_proj) || q_proj is { in_features: 4 };
        string Name() => nameof(q_proj) + nameof(q_proj.call) + q_proj.GetName();
        Tensor Norm() => q_proj.weight!.norm() + functional.linear(q_proj.weight!, k_proj.weight!, q_proj.bias);
        Tensor Delta(Tensor x) => functional.linear(x, q_proj.weight! + k_proj.weight!);
        Tensor Others(Tensor x) { var p = k_proj; var (q, k) = (q_proj, k_proj); q.train(); return p.call(x) + k.call(x) + new[] { k_proj }[0].call(x); }
        Tensor Shadowed(Tensor x) { { var p = q_proj; p.train(); } { var p = k_proj; return p.call(x); } }
        Tensor Own(Tensor x) { own.Remove(q_proj); return own.Contains(q_proj) || own.IndexOf(q_proj) > 0 ? x : own[0].call(x); }
        Tensor SomeoneElses(Tensor x) => new Call().call(q_proj, x);
        Tensor Keys(Tensor x) { var other = new Dictionary<Linear, Linear> { { q_proj, k_proj } }; return other[q_proj].call(x); }
        Tensor Sized(Tensor x) => Sequential(Linear(q_proj.in_features, q_proj.out_features), ReLU()).call(x);
        private class Call { public Tensor call(Linear p, Tensor x) => x; }
        """));

    [Fact]
    public Task What_another_method_does_with_it_is_unknown() => Rule<BypassedAdapterAnalyzer>.Finds(Model("""
        private readonly Linear[] all = new Linear[1];
        private static Tensor Run(Linear p, Tensor x) => p.call(x);
        private Linear Alias => q_proj;
        Tensor Argument(Tensor x) => Run(q_proj, x);
        Tensor Property(Tensor x) => Alias.call(x);
        Tensor Element(Tensor x) { all[0] = q_proj; return all[0].call(x); }
        Tensor Children(Tensor x) { foreach (var (_, m) in named_children()) { x = ((Module<Tensor, Tensor>)m).call(x); } return x; }
        """));

    [Fact]
    public Task Locals_that_copy_each_other_in_a_circle_end() => Rule<BypassedAdapterAnalyzer>.Finds(Model("""
        Tensor Circle(Tensor x)
        {
            Linear a = k_proj, b = a, c = b;
            for (var i = 0; i < 3; i++) { (a, b, c) = (c, a, b); (a, b) = (b, a); (b, c) = (c, b); }
            object[] nested = [k_proj];
            nested = [nested, q_proj];
            Sequential([|(Module<Tensor, Tensor>)nested[1]|]);
            object[] deep = [k_proj];
            foreach (var item in deep) { deep = (object[])item; x = ((Linear)item).call(x); }
            return a.call(x);
        }
        """));

    [Fact]
    public Task The_fix_replaces_a_copy_that_is_nothing_else() => Rule<BypassedAdapterAnalyzer>.Fixes<CallAccessorCodeFix>(
        Model("""
        Tensor Copy(Tensor x) { var p = q_proj; return [|p.call(x)|].dot(p.bias!); }
        Tensor Base(Tensor x) { Module<Tensor, Tensor> m = this.q_proj; return [|m.forward(x)|]; }
        Tensor Pattern(Tensor x) => q_proj is { } p ? [|p.call(x)|] : x;
        Tensor[] Group(Tensor[] xs) { var p = q_proj; return Array.ConvertAll(xs, [|p.call|]); }
        Tensor Cast(Tensor x, Attention other) => [|((Module<Tensor, Tensor>)q_proj).call(x)|] + [|(other.q_proj as Module<Tensor, Tensor>)!.call(x)|];
        """),
        Model("""
        Tensor Copy(Tensor x) { var p = q_proj; return QProj(x).dot(p.bias!); }
        Tensor Base(Tensor x) { Module<Tensor, Tensor> m = this.q_proj; return QProj(x); }
        Tensor Pattern(Tensor x) => q_proj is { } p ? QProj(x) : x;
        Tensor[] Group(Tensor[] xs) { var p = q_proj; return Array.ConvertAll(xs, QProj); }
        Tensor Cast(Tensor x, Attention other) => QProj(x) + other.QProj(x);
        """),
        diagnostics: 6);

    [Fact]
    public Task A_copy_that_may_be_something_else_and_what_is_no_call_are_left_to_the_user() => Rule<BypassedAdapterAnalyzer>.DoesNotFix<CallAccessorCodeFix>(Model("""
        Attention(bool b) : this("") { var p = q_proj; q_proj = Linear(4, 4); using var y = [|p.call(zeros(4))|]; }
        private static void Replace(ref Linear p) => p = Linear(4, 4);
        Tensor Assigned(Tensor x, bool b) { var p = q_proj; if (b) { p = Linear(4, 4); } return [|p.call(x)|]; }
        Tensor Referenced(Tensor x) { var p = q_proj; Replace(ref p); return [|p.call(x)|]; }
        Tensor Aliased(Tensor x) { var p = q_proj; ref var alias = ref p; alias = k_proj; return [|p.call(x)|]; }
        Tensor Written(Tensor x) { var p = v_proj; v_proj = Linear(4, 4); return [|p.call(x)|]; }
        Tensor OfAnother(Tensor x, Attention other) { var p = other.q_proj; other = this; return [|p.call(x)|]; }
        Tensor Choice(Tensor x, bool b) => [|(b ? q_proj : k_proj).call(x)|];
        Tensor Pair(Tensor x) { var pair = (q_proj, 1); return [|pair.Item1.call(x)|]; }
        Tensor Each(Tensor x) { foreach (var p in new[] { q_proj }) { x = [|p.call(x)|]; } return x; }
        Tensor Container(Tensor x) => Sequential([|q_proj|]).call(x);
        Tensor Function(Tensor x) => [|functional.linear(x, q_proj.weight!)|];
        """));

    private static string Convolution(string members) => $$"""
        [LoraModel]
        public partial class Features() : Module<Tensor, Tensor>("Features")
        {
            [LoraTarget] private readonly Conv2d conv = Conv2d(4, 4, 1);
            private readonly Conv2d stem = Conv2d(4, 4, 1);
            public override Tensor forward(Tensor x) => Conv(x);

            {{members}}
        }
        """;

    private static string Model(string members) => $$"""
        using System.Linq;
        #nullable enable annotations
        [LoraModel]
        public partial class Attention(string name) : Module<Tensor, Tensor>(name)
        {
            [LoraTarget] private readonly Linear q_proj = Linear(4, 4);
            [LoraTarget] private Linear v_proj = Linear(4, 4);
            private readonly Linear k_proj = Linear(4, 4);
            public override Tensor forward(Tensor x) => QProj(x);

            {{members}}
        }
        """;
}
