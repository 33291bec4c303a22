using LoraGen.Tests.Saver;
using TorchSharp;

// A process to be killed. It saves two adapters in turn, into the folder that its parent names, until it dies.
torch.set_num_threads(1);
using var model = new TwoAdapters();
TwoAdapters.Adapter[] adapters = [model.Make(0), model.Make(1)];

Console.WriteLine("ready");
if (Console.ReadLine() is not { } folder)
{
    return;
}

new Thread(DieWithTheParent) { IsBackground = true }.Start();
for (var i = 0; ; i++)
{
    adapters[i % 2].Save(folder);
}

// A parent that dies closes our input.
static void DieWithTheParent()
{
    Console.In.ReadToEnd();
    Environment.Exit(1);
}
