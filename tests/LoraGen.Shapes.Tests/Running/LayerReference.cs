namespace LoraGen.Shapes.Tests.Running;

/// <summary>The layers that derive from each other, <see cref="Sample.Layer"/> and its family.</summary>
internal static class LayerReference
{
    public static double[] Layer(Reference of, double[] x) => Reference.Sum(x, Up(of, x));

    public static double[] Between(Reference of, double[] x) => of.Plain("plain", Up(of, x));

    public static double[] Wide(Reference of, double[] x) => of.Block("block", of.Target("down", Up(of, x)));

    public static double[] Wider(Reference of, double[] x) => of.Block("h.0", Layer(of.Child("last"), Wide(of, x)));

    public static double[] Up(Reference of, double[] x) => of.Target("up", x, rank: 2, alpha: 6);
}
