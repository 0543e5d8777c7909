using System.Text;

namespace Estafette.Mail;

/// <summary>The first pass of <see cref="MimeDowngrade"/>: which entities have octets beyond ASCII, and whether each can be encoded.</summary>
internal sealed class MimeSurvey : IMimeVisitor
{
    private readonly Dictionary<int, TransferEncoding> _encodings = [];
    private long _octets;
    private long _eightBit;

    public bool HasEightBit { get; private set; }

    /// <summary>Why the message cannot be converted; null while it can.</summary>
    public string? Obstacle { get; private set; }

    /// <summary>The new encoding by entity; those not named keep theirs.</summary>
    public IReadOnlyDictionary<int, TransferEncoding> Encodings => _encodings;

    public void Header(MimeEntity entity, ReadOnlySpan<byte> fields, ReadOnlySpan<byte> blankLine)
    {
        _octets = _eightBit = 0;
        // A label that promises more than 7 bits goes, once what it stands on is 7-bit.
        if (entity.Encoding is TransferEncoding.EightBit or TransferEncoding.Binary && !entity.IsSealed)
            _encodings[entity.Number] = TransferEncoding.SevenBit;
    }

    public void Text(MimeEntity? entity, bool isSealed, ReadOnlySpan<byte> text)
    {
        _octets += text.Length;
        if (Ascii.IsValid(text))
            return;
        HasEightBit = true;
        foreach (byte octet in text)
            _eightBit += octet >> 7;
        if (isSealed || entity is { IsSealed: true })
            Obstacle ??= "8-bit content is signed or encrypted";
    }

    public void LineEnd(MimeEntity? entity, ReadOnlySpan<byte> lineEnd) => _octets += lineEnd.Length;

    public void EndOfBody(MimeEntity entity)
    {
        if (_eightBit == 0)
            return;
        if (!entity.Encoding.IsIdentity())
            Obstacle ??= "an encoded part has 8-bit content";
        else if (entity.Type is { IsMultipart: true } or { Type: "message" })
            Obstacle ??= "its structure cannot be followed";
        else
            // Quoted-printable is three octets for one, base64 four for three.
            _encodings[entity.Number] = _eightBit > _octets / 6 && entity.Type is { Type: not "text" } ? TransferEncoding.Base64 : TransferEncoding.QuotedPrintable;
    }

    public void Boundary(ReadOnlySpan<byte> lineEndBefore, ReadOnlySpan<byte> line) { }
}
