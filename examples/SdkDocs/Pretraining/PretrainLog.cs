using System.Globalization;
using LoraGen;

namespace SdkDocs.Pretraining;

/// <summary>The loss curve of a pretraining run as a CSV file that grows line by line and survives a resumption.</summary>
internal sealed class PretrainLog
{
    private const string Header = "step,tokens,minutes,train_loss,heldout_loss";

    private readonly string _path;

    /// <summary>Opens the log of a run, dropping lines of steps that the checkpoint does not know.</summary>
    public PretrainLog(string path, int stepsDone, string command)
    {
        _path = path;
        var kept = stepsDone > 0 && File.Exists(path)
            ? File.ReadAllLines(path).Where(line => line.StartsWith('#') || line == Header || StepOf(line) <= stepsDone).ToList()
            : [Header];
        Last = kept.LastOrDefault(line => !line.StartsWith('#') && line != Header) is { } last
            ? (long.Parse(last.Split(',')[1], CultureInfo.InvariantCulture), double.Parse(last.Split(',')[2], CultureInfo.InvariantCulture))
            : default;
        kept.Add($"# {command}");
        File.WriteAllLines(path, kept);
    }

    /// <summary>Tokens and minutes of the run before this process.</summary>
    public (long Tokens, double Minutes) Last { get; }

    public void Append(int step, long tokens, double minutes, double trainLoss, double heldOutLoss)
        => File.AppendAllText(_path, string.Create(CultureInfo.InvariantCulture, $"{step},{tokens},{minutes:F2},{trainLoss:F4},{heldOutLoss:F4}\n"));

    private int StepOf(string line) => int.TryParse(line.Split(',')[0], CultureInfo.InvariantCulture, out var step)
        ? step
        : throw new LoraException($"{_path}: expected lines of {Header}, found '{line}'.");
}
