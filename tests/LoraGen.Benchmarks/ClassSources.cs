using System.Globalization;
using System.Text.RegularExpressions;

namespace LoraGen.Benchmarks;

/// <summary>What is in the files of <see cref="UserProject"/>.</summary>
internal static partial class ClassSources
{
    public const string Unrelated = """
        public static class Schedule
        {
            private const int Warmup = 100;

            /// <summary>Linear warm-up, then a cosine down to a tenth.</summary>
            public static double At(int step, int steps, double peak)
            {
                if (step < Warmup)
                {
                    return peak * (step + 1) / Warmup;
                }

                var progress = Math.Min(1.0, (step - Warmup) / Math.Max(1.0, steps - Warmup));
                return peak * (0.1 + 0.9 * 0.5 * (1 + Math.Cos(Math.PI * progress)));
            }
        }
        """;

    private const string Attention = """
        /// <summary>Grouped-query attention with rotary positions and a cache.</summary>
        [LoraModel]
        public sealed partial class Attention# : Module<Tensor, Tensor?, Tensor>
        {
            [LoraTarget(Rank = 8, Alpha = 16)] private readonly Linear q_proj;
            [LoraTarget(Rank = 8, Alpha = 16)] private readonly Linear k_proj;
            [LoraTarget(Rank = 8, Alpha = 16)] private readonly Linear v_proj;
            [LoraTarget(Rank = 16, Alpha = 32, Dropout = 0.05)] private readonly Linear o_proj;
            private readonly Dropout dropout;
            private readonly long _heads;
            private readonly long _keyHeads;
            private readonly long _headWidth;
            private readonly double _theta;
            private Tensor? _keys;
            private Tensor? _values;

            public Attention#(long width, long heads, long keyHeads, double theta = 10_000, double dropout = 0)
                : base(nameof(Attention#))
            {
                if (width % heads != 0 || heads % keyHeads != 0)
                {
                    throw new ArgumentException($"width {width}, heads {heads}, keyHeads {keyHeads}: each must be a multiple of the next.");
                }

                (_heads, _keyHeads, _headWidth, _theta) = (heads, keyHeads, width / heads, theta);
                q_proj = Linear(width, heads * _headWidth, hasBias: false);
                k_proj = Linear(width, keyHeads * _headWidth, hasBias: false);
                v_proj = Linear(width, keyHeads * _headWidth, hasBias: false);
                o_proj = Linear(heads * _headWidth, width, hasBias: false);
                this.dropout = Dropout(dropout);
                RegisterComponents();
            }

            public override Tensor forward(Tensor x, Tensor? mask)
            {
                using var scope = NewDisposeScope();
                var (batch, length) = (x.shape[0], x.shape[1]);
                var queries = Split(QProj(x), _heads);
                var keys = Split(KProj(x), _keyHeads);
                var values = Split(VProj(x), _keyHeads);
                var past = _keys?.shape[2] ?? 0;
                queries = Rotate(queries, past);
                keys = Rotate(keys, past);
                if (_keys is not null && _values is not null)
                {
                    keys = cat([_keys, keys], dim: 2);
                    values = cat([_values, values], dim: 2);
                }

                if (!training)
                {
                    Keep(keys, values);
                }

                var groups = _heads / _keyHeads;
                if (groups > 1)
                {
                    keys = keys.repeat_interleave(groups, dim: 1);
                    values = values.repeat_interleave(groups, dim: 1);
                }

                var scores = queries.matmul(keys.transpose(-2, -1)) / Math.Sqrt(_headWidth);
                if (mask is not null)
                {
                    scores = scores.masked_fill(mask.logical_not(), double.NegativeInfinity);
                }

                var weights = dropout.call(functional.softmax(scores, dim: -1));
                var mixed = weights.matmul(values).transpose(1, 2).reshape(batch, length, _heads * _headWidth);
                return OProj(mixed).MoveToOuterDisposeScope();
            }

            public void Reset()
            {
                _keys?.Dispose();
                _values?.Dispose();
                (_keys, _values) = (null, null);
            }

            private Tensor Split(Tensor x, long heads) => x.view(x.shape[0], x.shape[1], heads, _headWidth).transpose(1, 2);

            private Tensor Rotate(Tensor x, long offset)
            {
                var half = _headWidth / 2;
                var frequencies = pow(_theta, arange(half, device: x.device) * (-1.0 / half));
                var angles = outer(arange(offset, offset + x.shape[2], device: x.device).to(float32), frequencies);
                var (cosine, sine) = (angles.cos().to(x.dtype), angles.sin().to(x.dtype));
                var (first, second) = (x.narrow(-1, 0, half), x.narrow(-1, half, half));
                return cat([first * cosine - second * sine, second * cosine + first * sine], dim: -1);
            }

            private void Keep(Tensor keys, Tensor values)
            {
                _keys?.Dispose();
                _values?.Dispose();
                _keys = keys.detach().clone().DetachFromDisposeScope();
                _values = values.detach().clone().DetachFromDisposeScope();
            }

            protected override void Dispose(bool disposing)
            {
                if (disposing)
                {
                    Reset();
                }

                base.Dispose(disposing);
            }
        }
        """;

    private const string FeedForward = """
        /// <summary>A gated feed-forward network.</summary>
        [LoraModel]
        public sealed partial class FeedForward# : Module<Tensor, Tensor>
        {
            [LoraTarget(Rank = 8, Alpha = 16)] private readonly Linear gate_proj;
            [LoraTarget(Rank = 8, Alpha = 16)] private readonly Linear up_proj;
            [LoraTarget(Rank = 8, Alpha = 16)] private readonly Linear down_proj;
            private readonly Dropout dropout;
            private readonly long _chunk;

            public FeedForward#(long width, long inner, double dropout = 0, long chunk = 4096)
                : base(nameof(FeedForward#))
            {
                ArgumentOutOfRangeException.ThrowIfNegativeOrZero(chunk);
                gate_proj = Linear(width, inner, hasBias: false);
                up_proj = Linear(width, inner, hasBias: false);
                down_proj = Linear(inner, width, hasBias: false);
                this.dropout = Dropout(dropout);
                _chunk = chunk;
                foreach (var layer in new[] { gate_proj, up_proj, down_proj })
                {
                    init.normal_(layer.weight!, 0, 0.02);
                }

                RegisterComponents();
            }

            public override Tensor forward(Tensor x)
            {
                using var scope = NewDisposeScope();
                if (x.shape[1] <= _chunk)
                {
                    return Part(x).MoveToOuterDisposeScope();
                }

                // A long sequence in pieces: the inner activations are the largest there are.
                var parts = new Tensor[(x.shape[1] + _chunk - 1) / _chunk];
                for (var i = 0; i < parts.Length; i++)
                {
                    var start = i * _chunk;
                    parts[i] = Part(x.narrow(1, start, Math.Min(_chunk, x.shape[1] - start)));
                }

                return cat(parts, dim: 1).MoveToOuterDisposeScope();
            }

            private Tensor Part(Tensor x) => dropout.call(DownProj(functional.silu(GateProj(x)) * UpProj(x)));
        }
        """;

    private const string Block = """
        /// <summary>Attention and feed-forward network, each behind a norm and beside the residual.</summary>
        [LoraModel]
        public sealed partial class Block# : Module<Tensor, Tensor?, Tensor>
        {
            private readonly Attention@ attention;
            private readonly FeedForward! feed_forward;
            private readonly LayerNorm attention_norm;
            private readonly LayerNorm feed_forward_norm;
            private readonly double _depthScale;

            public Block#(long width, long heads, int depth)
                : base(nameof(Block#))
            {
                ArgumentOutOfRangeException.ThrowIfNegativeOrZero(depth);
                attention = new Attention@(width, heads, Math.Max(1, heads / 4));
                feed_forward = new FeedForward!(width, 4 * width);
                attention_norm = LayerNorm(width);
                feed_forward_norm = LayerNorm(width);
                _depthScale = 1 / Math.Sqrt(2.0 * depth);
                RegisterComponents();
            }

            public override Tensor forward(Tensor x, Tensor? mask)
            {
                using var scope = NewDisposeScope();
                var attended = attention.call(attention_norm.call(x), mask);
                x = x + (training ? attended * _depthScale : attended);
                var fed = feed_forward.call(feed_forward_norm.call(x));
                x = x + (training ? fed * _depthScale : fed);
                return x.MoveToOuterDisposeScope();
            }

            public (double Attention, double FeedForward) Norms(Tensor x)
            {
                using var scope = NewDisposeScope();
                using var _ = no_grad();
                var attended = attention.call(attention_norm.call(x), null);
                var fed = feed_forward.call(feed_forward_norm.call(x + attended));
                return (attended.norm().item<float>(), fed.norm().item<float>());
            }
        }
        """;

    /// <summary>The class at a place of the row attention, feed-forward network, block, attention, …</summary>
    public static string At(int place) => (place % 3 == 0 ? Attention : place % 3 == 1 ? FeedForward : Block)
        .Replace("#", Name(place), StringComparison.Ordinal)
        .Replace("Attention@", "Attention" + Name(place - 2), StringComparison.Ordinal)
        .Replace("FeedForward!", "FeedForward" + Name(place - 1), StringComparison.Ordinal);

    /// <summary>The text without our attributes, and with <c>q_proj.call(x)</c> for <c>QProj(x)</c>.</summary>
    public static string WithoutLora(string text) => Accessor().Replace(
        LoraAttribute().Replace(text, ""),
        call => $"{call.Groups[1].Value.ToLowerInvariant()}_proj.call(");

    private static string Name(int place) => place.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\[Lora(Model|Target)[^\]]*\]")]
    private static partial Regex LoraAttribute();

    [GeneratedRegex(@"\b(Q|K|V|O|Gate|Up|Down)Proj\(")]
    private static partial Regex Accessor();
}
