using Google.Protobuf;

namespace LoraGen.Transformers.Tokenizers.Files;

/// <summary>
/// What a SentencePiece model file holds, as far as it is used here: the field numbers are those of sentencepiece_model.proto.
/// </summary>
internal sealed record SentencePieceFile
{
    public enum PieceType
    {
        Normal = 1,
        Unknown = 2,
        Control = 3,
        UserDefined = 4,
        Unused = 5,
        Byte = 6,
    }

    public enum ModelType
    {
        Unigram = 1,
        Bpe = 2,
    }

    public readonly record struct Piece(string Text, float Score, PieceType Type);

    private Dictionary<string, int>? _ids;

    public required IReadOnlyList<Piece> Pieces { get; init; }

    /// <summary>Piece to id, which is its place.</summary>
    public IReadOnlyDictionary<string, int> Ids => _ids ??= Pieces.Select((piece, id) => (piece.Text, id)).DistinctBy(pair => pair.Text).ToDictionary(pair => pair.Text, pair => pair.id);

    public ModelType Model { get; init; } = ModelType.Unigram;

    public bool ByteFallback { get; init; }

    public int UnknownId { get; init; }

    public int BosId { get; init; } = 1;

    public int EosId { get; init; } = 2;

    public int PadId { get; init; } = -1;

    public byte[] CharacterMap { get; init; } = [];

    public bool AddDummyPrefix { get; init; } = true;

    public bool RemoveExtraWhitespaces { get; init; } = true;

    public bool SpaceAsSuffix { get; init; }

    /// <exception cref="LoraException">The file is missing, or is no SentencePiece model.</exception>
    public static SentencePieceFile Read(string path)
    {
        try
        {
            var file = Parse(File.ReadAllBytes(path));
            return file.UnknownId >= 0 && file.UnknownId < file.Pieces.Count && Enum.IsDefined(file.Model)
                ? file
                : throw new LoraException($"{path}: expected a SentencePiece model of kind Unigram or BPE with an unknown piece, found {file.Pieces.Count} pieces of kind {file.Model}, unk_id {file.UnknownId}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Protobuf's own exception is an IOException.
            throw new LoraException($"{path}: cannot be read as a SentencePiece model: {e.Message} A tokenizer.json beside it is read instead.", e);
        }
    }

    /// <summary>The model alone, which neither normalizes nor touches white space.</summary>
    public byte[] Write()
    {
        using var stream = new MemoryStream();
        using var output = new CodedOutputStream(stream);
        foreach (var piece in Pieces)
        {
            Message(output, 1, inner =>
            {
                inner.WriteTag(1, WireFormat.WireType.LengthDelimited);
                inner.WriteString(piece.Text);
                inner.WriteTag(2, WireFormat.WireType.Fixed32);
                inner.WriteFloat(piece.Score);
                Number(inner, 3, (int)piece.Type);
            });
        }

        Message(output, 2, inner =>
        {
            Number(inner, 3, (int)Model);
            Number(inner, 4, Pieces.Count);
            Number(inner, 35, ByteFallback ? 1 : 0);
            Number(inner, 40, UnknownId);
            Number(inner, 41, BosId);
            Number(inner, 42, EosId);
            Number(inner, 43, PadId);
        });
        Message(output, 3, inner =>
        {
            inner.WriteTag(2, WireFormat.WireType.LengthDelimited);
            inner.WriteBytes(ByteString.CopyFrom(CharacterMap));
            Number(inner, 3, 0);
            Number(inner, 4, 0);
            Number(inner, 5, 0);
        });
        output.Flush();
        return stream.ToArray();
    }

    private static SentencePieceFile Parse(byte[] bytes)
    {
        var pieces = new List<Piece>();
        var file = new SentencePieceFile { Pieces = pieces };
        foreach (var (field, _, message) in Fields(bytes))
        {
            switch (field)
            {
                case 1:
                    pieces.Add(ParsePiece(message));
                    break;
                case 2:
                    file = Fields(message).Aggregate(file, (result, inner) => inner.Field switch
                    {
                        3 => result with { Model = (ModelType)inner.Number },
                        24 => result with { SpaceAsSuffix = inner.Number != 0 },
                        35 => result with { ByteFallback = inner.Number != 0 },
                        40 => result with { UnknownId = (int)inner.Number },
                        41 => result with { BosId = (int)inner.Number },
                        42 => result with { EosId = (int)inner.Number },
                        43 => result with { PadId = (int)inner.Number },
                        _ => result,
                    });
                    break;
                case 3:
                    file = Fields(message).Aggregate(file, (result, inner) => inner.Field switch
                    {
                        2 => result with { CharacterMap = inner.Message },
                        3 => result with { AddDummyPrefix = inner.Number != 0 },
                        4 => result with { RemoveExtraWhitespaces = inner.Number != 0 },
                        _ => result,
                    });
                    break;
            }
        }

        return file;
    }

    private static Piece ParsePiece(byte[] bytes) => Fields(bytes).Aggregate(new Piece("", 0, PieceType.Normal), (piece, inner) => inner.Field switch
    {
        1 => piece with { Text = System.Text.Encoding.UTF8.GetString(inner.Message) },
        2 => piece with { Score = BitConverter.Int32BitsToSingle((int)inner.Number) },
        3 => piece with { Type = (PieceType)inner.Number },
        _ => piece,
    });

    private static IEnumerable<(int Field, long Number, byte[] Message)> Fields(byte[] bytes)
    {
        using var input = new CodedInputStream(bytes);
        while (input.ReadTag() is not 0 and var tag)
        {
            var field = WireFormat.GetTagFieldNumber(tag);
            switch (WireFormat.GetTagWireType(tag))
            {
                case WireFormat.WireType.Varint:
                    yield return (field, input.ReadInt64(), []);
                    break;
                case WireFormat.WireType.Fixed32:
                    yield return (field, input.ReadFixed32(), []);
                    break;
                case WireFormat.WireType.LengthDelimited:
                    yield return (field, 0, input.ReadBytes().ToByteArray());
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }
    }

    private static void Number(CodedOutputStream output, int field, int value)
    {
        output.WriteTag(field, WireFormat.WireType.Varint);
        output.WriteInt32(value);
    }

    private static void Message(CodedOutputStream output, int field, Action<CodedOutputStream> write)
    {
        using var stream = new MemoryStream();
        using var inner = new CodedOutputStream(stream);
        write(inner);
        inner.Flush();
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(stream.ToArray()));
    }
}
