using System.Text;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace LoraGenDemo;

/// <summary>Trains on a text, and writes one.</summary>
public static class TextTraining
{
    /// <summary>Why a file cannot be trained on, or null.</summary>
    public static string? Refusal(string file)
    {
        var length = File.Exists(file) ? new FileInfo(file).Length : -1;
        return length > ByteModel.Context ? null
            : $"{file}: expected a text file of more than {ByteModel.Context} bytes to train on, found {(length < 0 ? "none" : $"{length}")}.";
    }

    /// <summary>Trains the given parameters to say the text's next byte; prints the loss (in nats per byte) as it goes.</summary>
    public static void Fit(ByteModel model, IEnumerable<Parameter> parameters, string file, int steps, double learningRate)
    {
        var text = File.ReadAllBytes(file);
        using var optimizer = optim.AdamW(parameters, learningRate);
        for (var step = 1; step <= steps; step++)
        {
            using var scope = NewDisposeScope();
            var (input, next) = Batch(text, rows: 16);
            var loss = nn.functional.cross_entropy(model.call(input).reshape(-1, 256), next.reshape(-1));
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
            if (step == 1 || step % 50 == 0)
            {
                Console.WriteLine($"  step {step,4}  loss {loss.item<float>():F3}");
            }
        }
    }

    /// <summary>Continues a text byte by byte, each time with the likeliest one.</summary>
    public static string Write(ByteModel model, string prompt, int length)
    {
        using var inference = inference_mode();
        var bytes = Encoding.UTF8.GetBytes(prompt).Select(b => (long)b).ToList();
        for (var i = 0; i < length; i++)
        {
            using var scope = NewDisposeScope();
            var window = tensor(bytes.TakeLast(ByteModel.Context).ToArray()).unsqueeze(0);
            bytes.Add(model.call(window)[0, -1].argmax().item<long>());
        }

        return Encoding.UTF8.GetString([.. bytes.Select(b => (byte)b)]);
    }

    private static (Tensor Input, Tensor Next) Batch(byte[] text, int rows)
    {
        var starts = Enumerable.Range(0, rows).Select(_ => Random.Shared.Next(text.Length - ByteModel.Context));
        var windows = tensor(starts.SelectMany(start => text.Skip(start).Take(ByteModel.Context + 1).Select(b => (long)b)).ToArray(), [rows, ByteModel.Context + 1]);
        return (windows[TensorIndex.Ellipsis, ..^1], windows[TensorIndex.Ellipsis, 1..]);
    }
}
