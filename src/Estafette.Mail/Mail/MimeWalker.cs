using System.Buffers;
using System.Text;

namespace Estafette.Mail;

/// <summary>What a walk through a message meets, in order. Text and line ends come apart, so that the line end that belongs to a boundary is told from the body's.</summary>
internal interface IMimeVisitor
{
    /// <summary>The fields of an entity, without the empty line; <paramref name="blankLine"/> is empty where there was none.</summary>
    void Header(MimeEntity entity, ReadOnlySpan<byte> fields, ReadOnlySpan<byte> blankLine);

    /// <summary>Octets of a leaf's body without line ends, or of the text around parts (<paramref name="entity"/> null).</summary>
    void Text(MimeEntity? entity, bool isSealed, ReadOnlySpan<byte> text);
    void LineEnd(MimeEntity? entity, ReadOnlySpan<byte> lineEnd);

    /// <summary>The body of a leaf is over.</summary>
    void EndOfBody(MimeEntity entity);

    /// <summary>A boundary line with the line end before it.</summary>
    void Boundary(ReadOnlySpan<byte> lineEndBefore, ReadOnlySpan<byte> line);
}

/// <summary>
/// Walks through the MIME structure of a message given in pieces (RFC 2046 s5). Depth, entities and header sizes are limited; what lies deeper is a leaf;
/// the stack is a list, so that no message can exhaust the thread's.
/// </summary>
internal sealed class MimeWalker(IMimeVisitor visitor)
{
    public const int MaximumDepth = 32;
    public const int MaximumEntities = 10_000;
    public const int MaximumHeader = 1 << 20;

    // Longer lines are no boundary: two hyphens, 70 octets, two hyphens, and some blanks.
    private const int MaximumBoundaryLine = 256;

    private readonly List<Level> _levels = [];
    private readonly ArrayBufferWriter<byte> _header = new(1024);
    private readonly byte[] _line = new byte[MaximumBoundaryLine];
    private readonly byte[] _pending = new byte[2];
    private Region _region = Region.Header;
    private MimeEntity? _leaf;
    private int _entities;
    private int _headerLineStart;
    private int _lineLength;
    private int _pendingLength;
    private bool _inLongLine;
    private bool _heldCr;

    private enum Region : byte { Header, Body }

    private sealed record Level(byte[]? Boundary, bool IsSealed, bool IsDigest);

    /// <summary>Why the walk cannot go on; null while all is well.</summary>
    public string? Problem { get; private set; }

    private bool IsSealed => _levels.Count > 0 && _levels[^1].IsSealed;

    public void Push(ReadOnlySpan<byte> octets)
    {
        while (!octets.IsEmpty && Problem is null)
        {
            int newLine = octets.IndexOf((byte)'\n');
            ReadOnlySpan<byte> piece = newLine < 0 ? octets : octets[..(newLine + 1)];
            octets = octets[piece.Length..];
            if (_region is Region.Header)
                TakeHeader(piece);
            else
                TakeBody(piece);
        }
    }

    public void Complete()
    {
        if (Problem is null && _region is Region.Header)
        {
            ReadOnlySpan<byte> last = _header.WrittenSpan[_headerLineStart..];
            if (!last.IsEmpty)
                EndHeaderLine(last);
            if (_region is Region.Header)
                EndHeader(_header.WrittenCount, []);
        }
        if (_heldCr)
            visitor.Text(_leaf, IsSealed, "\r"u8);
        if (_lineLength > 0)
            EndBodyLine(_line.AsSpan(0, _lineLength), []);
        FlushPending();
        CloseLeaf();
    }

    private void TakeHeader(ReadOnlySpan<byte> piece)
    {
        if (_header.WrittenCount + piece.Length > MaximumHeader)
        {
            Problem = "a header is too large";
            return;
        }
        _header.Write(piece);
        if (piece[^1] == '\n')
            EndHeaderLine(_header.WrittenSpan[_headerLineStart..]);
    }

    private void EndHeaderLine(ReadOnlySpan<byte> line)
    {
        ReadOnlySpan<byte> text = line.TrimEnd("\r\n"u8);
        int start = _headerLineStart;
        if (text.IsEmpty)
        {
            EndHeader(start, line.ToArray());
            return;
        }
        if (text[0] is (byte)' ' or (byte)'\t' && start > 0 || IsField(text, start == 0 && _entities == 0))
        {
            if (FindBoundary(text) < 0)
            {
                _headerLineStart = _header.WrittenCount;
                return;
            }
        }
        // A boundary, or a line of the body without the empty line that should come before it (E22).
        byte[] first = line.ToArray();
        EndHeader(start, []);
        if (_region is Region.Header)
            TakeHeader(first);
        else
            TakeBody(first);
    }

    private static bool IsField(ReadOnlySpan<byte> line, bool isFirst)
    {
        int name = 0;
        while (name < line.Length && name <= FieldNames.MaximumLength && FieldNames.IsNameOctet(line[name]))
            name++;
        if (name == 0 || name > FieldNames.MaximumLength)
            return false;
        ReadOnlySpan<byte> rest = line[name..].TrimStart(" \t"u8);
        return rest.StartsWith(":"u8) || (isFirst && rest.Length < line.Length - name && FieldNames.IsMailboxSeparator(line[..name]));
    }

    private void EndHeader(int length, byte[] blankLine)
    {
        ReadOnlySpan<byte> fields = _header.WrittenSpan[..length];
        if (_entities >= MaximumEntities)
        {
            Problem = "it has too many parts";
            return;
        }
        (MimeType? type, TransferEncoding encoding) = Describe(fields);
        bool digest = _levels.Count > 0 && _levels[^1].IsDigest;
        type ??= digest ? new MimeType("message", "rfc822", null) : null;
        bool nests = encoding.IsIdentity() && _levels.Count < MaximumDepth && type is { IsMultipart: true, Boundary: not null } or { IsMessage: true };
        var entity = new MimeEntity(_entities++, type, encoding, IsSealed || type is { IsSealed: true }, nests);
        visitor.Header(entity, fields, blankLine);
        _header.ResetWrittenCount();
        _headerLineStart = 0;
        _leaf = nests ? null : entity;
        _region = nests && type!.IsMessage ? Region.Header : Region.Body;
        if (nests)
            _levels.Add(new Level(type!.IsMultipart ? Encoding.Latin1.GetBytes(type.Boundary!) : null, entity.IsSealed, type.IsMultipart && type.Subtype == "digest"));
    }

    private static (MimeType? Type, TransferEncoding Encoding) Describe(ReadOnlySpan<byte> fields)
    {
        MimeType? type = null;
        bool typeSeen = false;
        TransferEncoding? encoding = null;
        foreach (HeaderField field in new HeaderFields(fields))
        {
            if (field.Known is KnownField.ContentType && !typeSeen)
            {
                typeSeen = true;
                type = MimeType.Parse(field.Value) ?? MimeType.PlainText;
            }
            else if (field.Known is KnownField.ContentTransferEncoding)
                encoding ??= TransferEncodings.Parse(field.Value);
        }
        return (type, encoding ?? TransferEncoding.SevenBit);
    }

    /// <summary>A piece holds at most one line end, at its end.</summary>
    private void TakeBody(ReadOnlySpan<byte> piece)
    {
        if (!_inLongLine)
        {
            int taken = Math.Min(piece.Length, _line.Length - _lineLength);
            piece[..taken].CopyTo(_line.AsSpan(_lineLength));
            _lineLength += taken;
            piece = piece[taken..];
            ReadOnlySpan<byte> line = _line.AsSpan(0, _lineLength);
            if (line.EndsWith("\n"u8))
            {
                int end = line.EndsWith("\r\n"u8) ? 2 : 1;
                _lineLength = 0;
                EndBodyLine(line[..^end], line[^end..]);
                return;
            }
            if (_lineLength < _line.Length)
                return;
            FlushPending();
            _inLongLine = true;
            _lineLength = 0;
            TakeLongLine(line);
        }
        if (!piece.IsEmpty)
            TakeLongLine(piece);
    }

    private void TakeLongLine(ReadOnlySpan<byte> piece)
    {
        if (_heldCr && piece[0] != '\n')
            visitor.Text(_leaf, IsSealed, "\r"u8);
        bool crBefore = _heldCr;
        _heldCr = false;
        if (piece[^1] == '\n')
        {
            _inLongLine = false;
            bool crlf = piece.EndsWith("\r\n"u8) || (piece.Length == 1 && crBefore);
            ReadOnlySpan<byte> text = piece.EndsWith("\r\n"u8) ? piece[..^2] : piece[..^1];
            if (!text.IsEmpty)
                visitor.Text(_leaf, IsSealed, text);
            SetPending(crlf ? "\r\n"u8 : "\n"u8);
            return;
        }
        _heldCr = piece[^1] == '\r';
        ReadOnlySpan<byte> certain = _heldCr ? piece[..^1] : piece;
        if (!certain.IsEmpty)
            visitor.Text(_leaf, IsSealed, certain);
    }

    private void EndBodyLine(ReadOnlySpan<byte> text, ReadOnlySpan<byte> lineEnd)
    {
        int level = FindBoundary(text);
        if (level < 0)
        {
            FlushPending();
            if (!text.IsEmpty)
                visitor.Text(_leaf, IsSealed, text);
            SetPending(lineEnd);
            return;
        }
        bool closes = text[(2 + _levels[level].Boundary!.Length)..].StartsWith("--"u8);
        CloseLeaf();
        visitor.Boundary(_pending.AsSpan(0, _pendingLength), text);
        _pendingLength = 0;
        _levels.RemoveRange(closes ? level : level + 1, _levels.Count - (closes ? level : level + 1));
        SetPending(lineEnd);
        _region = closes ? Region.Body : Region.Header;
        if (!closes)
            FlushPending();
    }

    /// <summary>The innermost open multipart whose boundary this line is, or -1.</summary>
    private int FindBoundary(ReadOnlySpan<byte> text)
    {
        if (!text.StartsWith("--"u8) || text.Length > MaximumBoundaryLine)
            return -1;
        for (int i = _levels.Count - 1; i >= 0; i--)
        {
            if (_levels[i].Boundary is not { } boundary || !text[2..].StartsWith(boundary))
                continue;
            ReadOnlySpan<byte> rest = text[(2 + boundary.Length)..];
            if (rest.StartsWith("--"u8))
                rest = rest[2..];
            if (rest.IndexOfAnyExcept(" \t"u8) < 0)
                return i;
        }
        return -1;
    }

    private void CloseLeaf()
    {
        if (_leaf is not null)
            visitor.EndOfBody(_leaf);
        _leaf = null;
    }

    private void SetPending(ReadOnlySpan<byte> lineEnd)
    {
        lineEnd.CopyTo(_pending);
        _pendingLength = lineEnd.Length;
    }

    private void FlushPending()
    {
        if (_pendingLength > 0)
            visitor.LineEnd(_leaf, _pending.AsSpan(0, _pendingLength));
        _pendingLength = 0;
    }
}
