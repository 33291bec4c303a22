using LoraGen.Generators.Diagnostics;
using LoraGen.Generators.Tests.Running;

namespace LoraGen.Generators.Tests.Diagnostics;

/// <summary>LORA017 and LORA018: slices that do not fit, options that do not go together.</summary>
public sealed class VariantTests
{
    [Theory]
    [InlineData("Slices = 3", "Trained must say which of the slices are adapted, such as [0, 2]")]
    [InlineData("Slices = 3, Trained = null", "Trained must say which of the slices are adapted, such as [0, 2]")]
    [InlineData("Trained = [0]", "Slices must say of how many slices the output is made")]
    [InlineData("Slices = 1, Trained = [0]", "Slices must say of how many slices the output is made")]
    [InlineData("Slices = 0, Trained = [0]", "there cannot be 0 slices")]
    [InlineData("Slices = -2", "there cannot be -2 slices")]
    [InlineData("Slices = 3, Trained = []", "Trained must name a slice")]
    [InlineData("Slices = 3, Trained = [0, 3]", "slice 3 is not one of 0 to 2")]
    [InlineData("Slices = 3, Trained = new[] { -1 }", "slice -1 is not one of 0 to 2")]
    [InlineData("Slices = 3, Trained = [2, 0, 2]", "slice 2 is named more than once")]
    public Task Slices_that_do_not_fit_are_found(string options, string mistake)
        => Rule<SlicesAnalyzer>.Says($"The slices of 'qkv' do not fit: {mistake}", Model($"[LoraTarget({options})] private readonly Linear {{|#0:qkv|}};"));

    [Theory]
    [InlineData("Slices = 3, Trained = [0, 2]")]
    [InlineData("Slices = 3, Trained = [2, 1, 0]")]
    [InlineData("Slices = 2, Trained = new int[] { 1 }")]
    [InlineData("Slices = 1")]
    [InlineData("Trained = null")]
    [InlineData("Rank = 3")]
    public Task Slices_that_fit_are_not(string options)
        => Rule<SlicesAnalyzer>.Finds(Model($"[LoraTarget({options})] private readonly Linear qkv; [LoraTarget({options})] private readonly Conv1D c_attn;"));

    [Fact]
    public Task One_declaration_of_several_fields_has_one_mistake()
        => Rule<SlicesAnalyzer>.Finds(Model("[LoraTarget(Slices = 3)] private readonly Linear [|qkv|], gate;"));

    [Theory]
    [InlineData("Linear", "Slices = 3, Trained = [0], UseDora = true", "DoRA is not for slices, but for the whole projection")]
    [InlineData("Linear", "Slices = 3, Trained = [0], Init = LoraInit.Pissa", "slices cannot begin with LoraInit.Pissa")]
    [InlineData("Conv1D", "Slices = 3, Trained = [0], Init = LoraInit.Orthogonal", "slices cannot begin with LoraInit.Orthogonal")]
    [InlineData("Embedding", "Slices = 3, Trained = [0]", "an embedding has no slices")]
    [InlineData("Embedding", "Init = LoraInit.Olora", "an embedding cannot begin with LoraInit.Olora")]
    [InlineData("Conv2d", "Slices = 3, Trained = [0]", "a convolution has no slices")]
    [InlineData("Conv1d", "Init = LoraInit.Pissa", "a convolution cannot begin with LoraInit.Pissa")]
    [InlineData("Conv3d", "Init = LoraInit.Orthogonal", "a convolution cannot begin with LoraInit.Orthogonal")]
    [InlineData("Embedding", "Init = LoraInit.Eva", "an embedding cannot begin with LoraInit.Eva")]
    [InlineData("Linear", "Slices = 3, Trained = [0], Init = LoraInit.Eva", "slices cannot begin with LoraInit.Eva")]
    [InlineData("Conv1D", "Slices = 3, Trained = [0], Init = LoraInit.Loftq", "slices cannot begin with LoraInit.Loftq")]
    [InlineData("Linear", "Rank = 3, Init = LoraInit.Orthogonal", "LoraInit.Orthogonal needs an even rank")]
    [InlineData("Linear", "Alpha = 1e40", "the scale Alpha / Rank must be a finite fp32 number")]
    [InlineData("Linear", "Init = (LoraInit)99", "Init must be a member of LoraInit")]
    [InlineData("Linear", "LoraBias = true, UseDora = true", "the B of DoRA has no bias")]
    [InlineData("Conv1D", "LoraBias = true, Slices = 3, Trained = [0]", "the B of a slice has no bias")]
    [InlineData("Embedding", "LoraBias = true", "the B of an embedding has no bias")]
    [InlineData("Linear", "LoraBias = true, Init = LoraInit.Gaussian", "a B with a bias cannot begin with LoraInit.Gaussian")]
    [InlineData("Linear", "LoraBias = true, Init = LoraInit.Pissa", "a B with a bias cannot begin with LoraInit.Pissa")]
    public Task Options_that_do_not_go_together_are_found(string type, string options, string mistake)
        => Rule<VariantAnalyzer>.Says($"The options of 'proj' do not go together: {mistake}", Model($"[LoraTarget({options})] private readonly {type} {{|#0:proj|}};"));

    [Theory]
    [InlineData("Linear", "UseDora = true, Init = LoraInit.Pissa")]
    [InlineData("Linear", "Init = LoraInit.Orthogonal")]
    [InlineData("Linear", "LoraBias = true, Init = LoraInit.Random")]
    [InlineData("Conv1D", "LoraBias = true, Dropout = 0.1")]
    [InlineData("Embedding", "LoraBias = false, UseDora = true")]
    [InlineData("Linear", "UseDora = true, Init = LoraInit.Eva")]
    [InlineData("Conv1D", "Init = LoraInit.Loftq")]
    [InlineData("Conv1D", "Slices = 3, Trained = [0], Init = LoraInit.Random")]
    [InlineData("Linear", "Alpha = 1e39")]
    [InlineData("Embedding", "UseDora = true, Init = LoraInit.Gaussian, Dropout = 0.1")]
    [InlineData("Conv2d", "UseDora = true, Init = LoraInit.Random, Dropout = 0.1")]
    public Task Options_that_go_together_are_not(string type, string options)
        => Rule<VariantAnalyzer>.Finds(Model($"[LoraTarget({options})] private readonly {type} proj;"));

    [Theory]
    [InlineData("Linear(64, 100)")]
    [InlineData("Linear(64, outputSize: 3 * 33 + 1)")]
    [InlineData("Linear(outputSize: 100, inputSize: 64, hasBias: false)")]
    [InlineData("new Conv1D(64, 100)", "Conv1D")]
    [InlineData("new(64, 100)", "Conv1D")]
    public async Task An_output_that_the_slices_cannot_share_is_found(string projection, string type = "Linear")
    {
        const string message = "The slices of 'qkv' do not fit: 3 slices cannot share 100 outputs";
        await Rule<SlicesAnalyzer>.Says(message, Model($"[LoraTarget(Slices = 3, Trained = [0])] private readonly {type} qkv = {{|#0:{projection}|}};"));
        await Rule<SlicesAnalyzer>.Says(message, Made($"[LoraTarget(Slices = 3, Trained = [0])] private readonly {type} qkv;", $"qkv = {{|#0:{projection}|}};"));
        await Rule<SlicesAnalyzer>.Says(message, Made($"[LoraTarget(Slices = 3, Trained = [0])] private readonly {type} qkv; private readonly Linear o;", $"(o, qkv) = (Linear(64, 100), {{|#0:{projection}|}});"));
    }

    [Theory]
    [InlineData("Slices = 4, Trained = [0]", "Linear(64, 100)")]
    [InlineData("Slices = 3, Trained = [0]", "Linear(100, 64 * 3)")]
    [InlineData("Slices = 3, Trained = [0]", "Linear(64, width)")]
    [InlineData("Rank = 4", "Linear(64, 100)")]
    public Task An_output_that_they_can_share_or_of_no_known_size_is_not(string options, string projection)
        => Rule<SlicesAnalyzer>.Finds(Made($"[LoraTarget({options})] private readonly Linear qkv;", $"qkv = {projection};"));

    [Fact]
    public Task Slices_that_do_not_fit_each_other_are_found_once()
        => Rule<SlicesAnalyzer>.Finds(Made("[LoraTarget(Slices = 3)] private readonly Linear [|qkv|];", "qkv = Linear(64, 100);"));

    [Theory]
    [InlineData("Rank = 5, Init = LoraInit.Pissa", "Linear(4, 9)", "LoraInit.Pissa needs a rank of at most 4, that of the weight")]
    [InlineData("Init = LoraInit.Olora", "Linear(64, 7)", "LoraInit.Olora needs a rank of at most 7, that of the weight")]
    [InlineData("Init = LoraInit.Loftq", "Linear(64, 7)", "LoraInit.Loftq needs a rank of at most 7, that of the weight")]
    [InlineData("Init = LoraInit.Olora", "Linear(width, 7)", "LoraInit.Olora needs a rank of at most 7, that of the weight")]
    [InlineData("Init = LoraInit.Olora", "new Conv1D(7, 8)", "LoraInit.Olora needs a rank of at most 7, that of the weight")]
    [InlineData("Rank = 2", "Embedding(9, 4, max_norm: 1)", "an embedding with max_norm changes its weight in every call, and cannot be adapted")]
    [InlineData("Rank = 2", "Embedding(9, 4, 0, 1.5)", "an embedding with max_norm changes its weight in every call, and cannot be adapted")]
    public Task A_projection_that_the_options_cannot_go_with_is_found(string options, string projection, string mistake)
        => Rule<VariantAnalyzer>.Says($"The options of 'proj' do not go together: {mistake}", Made($"[LoraTarget({options})] private readonly {TypeOf(projection)} proj;", $"proj = {{|#0:{projection}|}};"));

    [Theory]
    [InlineData("Rank = 4, Init = LoraInit.Pissa", "Linear(4, 9)")]
    [InlineData("Init = LoraInit.Pissa", "Linear(width, width)")]
    [InlineData("Rank = 99", "Linear(4, 9)")]
    [InlineData("Rank = 99", "Embedding(4, 9, max_norm: null)")]
    [InlineData("Rank = 99", "Embedding(4, 9, max_norm: norm)")]
    [InlineData("Rank = 5, Init = LoraInit.Pissa", "width > 4 ? Linear(4, 9) : Linear(5, 9)")]
    public Task A_projection_that_they_can_or_may_go_with_is_not(string options, string projection)
        => Rule<VariantAnalyzer>.Finds(Made($"[LoraTarget({options})] private readonly {TypeOf(projection)} proj;", $"proj = {projection};"));

    private static string TypeOf(string projection) => new[] { "Embedding", "Conv1D" }.FirstOrDefault(type => projection.Contains(type, StringComparison.Ordinal)) ?? "Linear";

    private static string Made(string fields, string body) => $$"""
        [LoraModel]
        public partial class Layer : Module<Tensor, Tensor>
        {
            {{fields}}
            public Layer(long width, double? norm) : base("Layer") { {{body}} }
            public override Tensor forward(Tensor x) => x;
        }
        """;

    private static string Model(string fields) => $$"""
        [LoraModel]
        public partial class Layer() : Module<Tensor, Tensor>("Layer")
        {
            {{fields}}
            public override Tensor forward(Tensor x) => x;
        }
        """;
}
