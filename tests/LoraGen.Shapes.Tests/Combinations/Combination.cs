using System.Globalization;

namespace LoraGen.Shapes.Tests.Combinations;

/// <summary>One projection of 6 to 8 features and what its attribute says.</summary>
/// <param name="Kind">The field's type.</param>
/// <param name="Init">A member of LoraInit.</param>
/// <param name="Rank">The rank; 9 is odd, and above that of the weight.</param>
/// <param name="UseDora">Whether it has DoRA.</param>
/// <param name="Slices">How many slices; 1 for none, 3 do not fit.</param>
/// <param name="Dropout">The dropout.</param>
internal sealed record Combination(string Kind, LoraInit Init, int Rank, bool UseDora, int Slices, double Dropout)
{
    public const int In = 6;
    public const int Out = 8;

    public static readonly string[] Kinds = ["Linear", "Conv1D", "Embedding", "Conv2d"];

    /// <summary>All of them; dropouts, which nothing refuses, with one rank alone.</summary>
    public static IReadOnlyList<Combination> All { get; } =
    [
        .. from kind in Kinds
           from init in Enum.GetValues<LoraInit>()
           from rank in new[] { 2, 9 }
           from dora in new[] { false, true }
           from slices in new[] { 1, 2, 3 }
           from dropout in rank == 2 ? new[] { 0, 0.25 } : [0]
           select new Combination(kind, init, rank, dora, slices, dropout),
    ];

    public string Name => FormattableString.Invariant($"{Kind}{Init}Rank{Rank}{(UseDora ? "Dora" : "")}Slices{Slices}{(Dropout > 0 ? "Dropped" : "")}");

    /// <summary>The rules that must report it, as docs/diagnostics says, each once.</summary>
    public IEnumerable<string> Rules
    {
        get
        {
            var (isEmbedding, isLinear, isSliced) = (Kind == "Embedding", Kind is "Linear" or "Conv1D", Slices > 1);
            var isForAll = Init is LoraInit.Kaiming or LoraInit.Gaussian or LoraInit.Random;
            if ((isSliced && (!isLinear || UseDora))
                || ((isSliced || !isLinear) && !isForAll)
                || (Init == LoraInit.Orthogonal && Rank % 2 != 0)
                || (Init is LoraInit.Pissa or LoraInit.Olora or LoraInit.Loftq && Rank > Math.Min(In, Out))
                || (Init == LoraInit.Eva && Rank > In))
            {
                yield return "LORA018";
            }

            if (isSliced && Out % Slices != 0 && isLinear)
            {
                yield return "LORA017";
            }

            if (isEmbedding && Dropout > 0)
            {
                yield return "LORA024";
            }
        }
    }

    public string Source => $$"""
        [LoraModel]
        public sealed partial class {{Name}} : Module<Tensor, Tensor>
        {
            [LoraTarget({{Options}})] private readonly {{Kind}} proj = {{(Kind == "Conv1D" ? "new Conv1D" : Kind)}}({{In}}, {{Out}}{{(Kind == "Conv2d" ? ", 3" : "")}});

            public {{Name}}() : base("Model") => RegisterComponents();

            public override Tensor forward(Tensor x) => Proj(x);
        }

        """;

    private string Options => string.Create(CultureInfo.InvariantCulture, $"Rank = {Rank}, Init = LoraInit.{Init}")
        + (UseDora ? ", UseDora = true" : "")
        + (Slices > 1 ? $", Slices = {Slices}, Trained = [1]" : "")
        + (Dropout > 0 ? FormattableString.Invariant($", Dropout = {Dropout}") : "");

    public override string ToString() => Name;
}
