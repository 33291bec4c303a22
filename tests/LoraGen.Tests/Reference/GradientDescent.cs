namespace LoraGen.Tests.Reference;

/// <summary>Plain gradient descent on A and B under the mean squared error, in float64 and with the gradients of <see cref="LoraLinear"/>.</summary>
internal static class GradientDescent
{
    /// <summary>The loss before each step, and A and B after the last.</summary>
    public static (double[] Losses, LoraLinear Trained) Run(LoraLinear formula, double[,] x, double[,] target, double rate, int steps)
    {
        var losses = new double[steps];
        for (var step = 0; step < steps; step++)
        {
            var error = Matrices.Zip(formula.Forward(x), target, (y, wanted) => y - wanted);
            losses[step] = error.Cast<double>().Average(value => value * value);
            var (a, b, _) = formula.Gradients(x, Matrices.Map(error, value => 2 * value / error.Length));
            formula = formula with { A = Descended(formula.A, a), B = Descended(formula.B, b) };
        }

        return (losses, formula);

        double[,] Descended(double[,] values, double[,] gradient) => Matrices.Zip(values, gradient, (value, slope) => value - (rate * slope));
    }
}
