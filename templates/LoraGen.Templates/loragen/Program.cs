using LoraGenDemo;

// dotnet run                    fine-tunes an adapter on text/style.txt
// dotnet run -- my-text.txt     on a text of yours
var style = args.Length > 0 ? args[0] : Path.Combine(AppContext.BaseDirectory, "text", "style.txt");
if (TextTraining.Refusal(style) is { } refusal)
{
    Console.Error.WriteLine(refusal);
    return 1;
}

// A base to start from. Yours would come from a checkpoint; this one is trained once, in half a minute, and kept in the current folder.
using var model = new ByteModel();
const string checkpoint = "base.dat";
if (File.Exists(checkpoint))
{
    try
    {
        model.load(checkpoint);
    }
    catch (Exception e) when (e is IOException or ArgumentException or FormatException)
    {
        Console.Error.WriteLine($"{checkpoint}: does not fit the model ({e.Message}). Delete it, and the next run trains a new base.");
        return 1;
    }
}
else
{
    Console.WriteLine("Training the base, all parameters:");
    TextTraining.Fit(model, model.parameters(), Path.Combine(AppContext.BaseDirectory, "text", "base.txt"), steps: 400, learningRate: 2e-3);
    model.save(checkpoint + ".tmp"); // Renamed when it is whole, so that a run that is cut off leaves no half of one.
    File.Move(checkpoint + ".tmp", checkpoint, overwrite: true);
}

// The adapter: A and B of every [LoraTarget]. Making it freezes the base.
using (var adapter = model.CreateAdapter())
{
    model.ActiveAdapter = adapter;
    Console.WriteLine($"Training the adapter, {adapter.parameters().Sum(p => p.numel()):N0} of {model.parameters().Sum(p => p.numel()):N0} parameters:");
    TextTraining.Fit(model, adapter.parameters(), style, steps: 300, learningRate: 5e-3);
    adapter.Save("adapters/style"); // adapter_config.json and adapter_model.safetensors, as PEFT names them
    model.ActiveAdapter = null;
}

const string prompt = "The ";
Console.WriteLine($"\nThe base:     {TextTraining.Write(model, prompt, 80)}");
using var loaded = ByteModel.Adapter.Load("adapters/style", model);
model.ActiveAdapter = loaded;
Console.WriteLine($"The adapter:  {TextTraining.Write(model, prompt, 80)}");
return 0;
