using System.Buffers;
using System.Text;

namespace Estafette.Mail;

/// <summary>Where a header field stands.</summary>
public enum ContentPlace : byte
{
    /// <summary>In the message's own header.</summary>
    Primary,

    /// <summary>In the header of a part.</summary>
    Multipart,

    /// <summary>In the header of an attached message.</summary>
    Nested,
    Body,
}

/// <summary>What one record came to; they happen in this order.</summary>
[Flags]
public enum ContentEvents : byte
{
    None = 0,

    /// <summary>A field is complete: <see cref="ContentScanner.Field"/> at <see cref="ContentScanner.FieldPlace"/>.</summary>
    Field = 1,

    /// <summary>The message's own header has ended.</summary>
    HeaderEnd = 2,

    /// <summary>There was no empty line behind the header: one belongs before the record.</summary>
    EmptyLine = 4,

    /// <summary>The record itself is passed on; the empty line behind a header, too.</summary>
    Body = 8,
}

/// <summary>What is wrong with the structure of a message; the smaller the value, the graver.</summary>
[Flags]
public enum ContentProblems : byte { None = 0, Nesting = 1, EightBitHeader = 2, EightBitBody = 4, EncodingDomain = 8 }

/// <summary>Told of each problem once, with the text that shows it.</summary>
public delegate void ContentProblemHandler(ContentProblems problem, ReadOnlySpan<byte> text);

/// <param name="HeaderSize"><c>header_size_limit</c>.</param>
/// <param name="Nesting"><c>mime_nesting_limit</c>.</param>
/// <param name="Boundary"><c>mime_boundary_length_limit</c>.</param>
public readonly record struct ContentLimits(int HeaderSize, int Nesting, int Boundary);

/// <summary>
/// Walks through a message record by record (a line, or a piece of one that is too long) and tells headers of the message, of its parts and of attached messages from body text, as Postfix
/// does: MIME structure is followed only as far as it is needed to find headers, and a broken one never makes it fail. Pure; memory is bounded by the limits. Fields keep their layout, lines joined
/// by LF, but for blanks before the colon, which go (RFC 5322 s4.5).
/// </summary>
public sealed class ContentScanner(ContentLimits limits, bool followsMime, ContentProblems reported, ContentProblemHandler problem)
{
    private readonly Stack<(byte[] Text, MediaKind PartKind)> _boundaries = [];
    private ArrayBufferWriter<byte> _collected = new(256);
    private ArrayBufferWriter<byte> _complete = new(256);
    private MediaKind _kind = MediaKind.Text;
    private ContentEncoding _encoding = ContentEncoding.SevenBit;
    private ContentEncoding _domain = ContentEncoding.SevenBit;
    private bool _inLine;

    private enum MediaKind : byte { Text, Other, Multipart, Message, PartialMessage }

    private enum ContentEncoding : byte { SevenBit, EightBit, Binary, Base64, QuotedPrintable }

    /// <summary>Where the scan stands.</summary>
    public ContentPlace Place { get; private set; }

    /// <summary>The field that <see cref="ContentEvents.Field"/> told of: name, colon, value; lines joined by LF. Valid until the next record.</summary>
    public ReadOnlyMemory<byte> Field => _complete.WrittenMemory;
    public ContentPlace FieldPlace { get; private set; }

    /// <summary>Octets of this body segment before the record that was taken last.</summary>
    public long BodyOffset { get; private set; }

    private long _bodyLength;

    public ContentProblems Problems { get; private set; }

    /// <param name="text">Without its line end.</param>
    /// <param name="endsLine">False for a piece that is not the last of its line.</param>
    public ContentEvents Take(ReadOnlySpan<byte> text, bool endsLine)
    {
        bool continues = _inLine;
        _inLine = !endsLine;
        if (Place == ContentPlace.Body)
            return TakeBody(text, continues);
        if (_collected.WrittenCount > 0 && (continues || text is [(byte)' ' or (byte)'\t', ..]))
        {
            if (_collected.WrittenCount < limits.HeaderSize)
            {
                if (!continues)
                    _collected.Write("\n"u8);
                _collected.Write(text);
            }
            return ContentEvents.None;
        }
        ContentEvents events = EndField();
        int name = FieldTable.NameLength(text);
        if (name > 0)
        {
            _collected.Write(text[..name]);
            _collected.Write(text[name..].TrimStart(" \t"u8));
            return events;
        }
        return events | EndHeader(text) | TakeBody(text, events == ContentEvents.None && continues);
    }

    /// <summary>The message has no more records.</summary>
    public ContentEvents Finish()
    {
        ContentEvents events = Place == ContentPlace.Body ? ContentEvents.None : EndField();
        if (Place == ContentPlace.Primary)
            events |= ContentEvents.HeaderEnd;
        CheckDomain();
        Place = ContentPlace.Body;
        return events;
    }

    private ContentEvents EndField()
    {
        if (_collected.WrittenCount == 0)
            return ContentEvents.None;
        (_complete, _collected) = (_collected, _complete);
        _collected.ResetWrittenCount();
        FieldPlace = Place;
        ReadOnlySpan<byte> field = _complete.WrittenSpan;
        if (followsMime)
            LookAtMime(field);
        if (reported.HasFlag(ContentProblems.EightBitHeader) && !Ascii.IsValid(field))
            Report(ContentProblems.EightBitHeader, field);
        return ContentEvents.Field;
    }

    private ContentEvents EndHeader(ReadOnlySpan<byte> text)
    {
        ContentPlace ended = Place;
        ContentEvents events = ended == ContentPlace.Primary ? ContentEvents.HeaderEnd : ContentEvents.None;
        CheckDomain();
        _bodyLength = 0;
        if (!text.IsEmpty)
        {
            // Signed parts must keep their octets: only the message's own header gets the line that is missing.
            Place = ContentPlace.Body;
            return ended == ContentPlace.Primary ? events | ContentEvents.EmptyLine : events;
        }
        if (_kind == MediaKind.Message)
            Begin(ContentPlace.Nested, MediaKind.Text);
        else if (_kind == MediaKind.Multipart)
            Begin(ContentPlace.Body, MediaKind.Other);
        else
            Place = ContentPlace.Body;
        return events;
    }

    private ContentEvents TakeBody(ReadOnlySpan<byte> text, bool continues)
    {
        if (reported.HasFlag(ContentProblems.EightBitBody) && _encoding == ContentEncoding.SevenBit && !Problems.HasFlag(ContentProblems.EightBitBody) && !Ascii.IsValid(text))
            Report(ContentProblems.EightBitBody, text);
        if (!continues && _boundaries.Count > 0 && text.StartsWith("--"u8) && text.Length > 2)
            LookForBoundary(text[2..]);
        BodyOffset = _bodyLength;
        _bodyLength += text.Length + 1;
        return ContentEvents.Body;
    }

    private void LookForBoundary(ReadOnlySpan<byte> line)
    {
        int inner = 0;
        foreach ((byte[] boundary, MediaKind partKind) in _boundaries)
        {
            if (!line.StartsWith(boundary))
            {
                inner++;
                continue;
            }
            // What stands inside has no end of its own any more.
            for (; inner > 0; inner--)
                _boundaries.Pop();
            if (line[boundary.Length..].StartsWith("--"u8))
            {
                _boundaries.Pop();
                Begin(ContentPlace.Body, MediaKind.Other);
            }
            else
                Begin(ContentPlace.Multipart, partKind);
            return;
        }
    }

    private void Begin(ContentPlace place, MediaKind kind)
    {
        Place = place;
        _kind = kind;
        _encoding = _domain = ContentEncoding.SevenBit;
        if (place == ContentPlace.Body)
            _bodyLength = 0;
    }

    private void LookAtMime(ReadOnlySpan<byte> field)
    {
        int colon = field.IndexOf((byte)':');
        ReadOnlySpan<byte> name = field[..colon];
        if (Ascii.EqualsIgnoreCase(name, "content-type"u8))
            TakeType(field, field[(colon + 1)..]);
        else if (Ascii.EqualsIgnoreCase(name, "content-transfer-encoding"u8))
            TakeEncoding(field[(colon + 1)..]);
    }

    private void TakeType(ReadOnlySpan<byte> field, ReadOnlySpan<byte> value)
    {
        var reader = new MimeValueReader(value);
        string type = reader.Token() ?? "";
        string subtype = reader.Take('/') ? reader.Token() ?? "" : "";
        _kind = type.ToLowerInvariant() switch
        {
            "text" => MediaKind.Text,
            "multipart" => MediaKind.Multipart,
            "message" when Is(subtype, "rfc822") || Is(subtype, "global") => MediaKind.Message,
            "message" when Is(subtype, "partial") || Is(subtype, "external-body") => MediaKind.PartialMessage,
            _ => MediaKind.Other,
        };
        if (_kind != MediaKind.Multipart)
            return;
        MediaKind partKind = Is(subtype, "digest") ? MediaKind.Message : MediaKind.Text;
        // A second boundary is against the rules; whoever hides something behind it hides nothing.
        while (reader.TakeBehind(';'))
        {
            if (reader.Token() is { } parameter && Is(parameter, "boundary") && reader.Take('=') && reader.Word() is { Length: > 0 } boundary)
                Push(field, boundary, partKind);
        }
    }

    private void Push(ReadOnlySpan<byte> field, string boundary, MediaKind partKind)
    {
        if (_boundaries.Count > limits.Nesting)
            Report(ContentProblems.Nesting, field);
        else
            _boundaries.Push((Encoding.Latin1.GetBytes(boundary.Length > limits.Boundary ? boundary[..limits.Boundary] : boundary), partKind));
    }

    private void TakeEncoding(ReadOnlySpan<byte> value)
    {
        switch (new MimeValueReader(value).Word()?.ToLowerInvariant())
        {
            case "7bit": _encoding = _domain = ContentEncoding.SevenBit; break;
            case "8bit": _encoding = _domain = ContentEncoding.EightBit; break;
            case "binary": _encoding = _domain = ContentEncoding.Binary; break;
            case "base64": (_encoding, _domain) = (ContentEncoding.Base64, ContentEncoding.SevenBit); break;
            case "quoted-printable": (_encoding, _domain) = (ContentEncoding.QuotedPrintable, ContentEncoding.SevenBit); break;
        }
    }

    /// <summary>RFC 2045 s6.4: what holds other parts has no encoding of its own.</summary>
    private void CheckDomain()
    {
        bool wrong = _kind switch
        {
            MediaKind.Message or MediaKind.Multipart => _encoding != _domain,
            MediaKind.PartialMessage => _domain != ContentEncoding.SevenBit,
            _ => false,
        };
        if (wrong && Place != ContentPlace.Body)
            Report(ContentProblems.EncodingDomain, NameOf(_encoding));
    }

    private void Report(ContentProblems which, ReadOnlySpan<byte> text)
    {
        if (!reported.HasFlag(which) || Problems.HasFlag(which))
            return;
        Problems |= which;
        problem(which, text);
    }

    private static ReadOnlySpan<byte> NameOf(ContentEncoding encoding) => encoding switch
    {
        ContentEncoding.Base64 => "base64"u8,
        ContentEncoding.QuotedPrintable => "quoted-printable"u8,
        ContentEncoding.Binary => "binary"u8,
        ContentEncoding.EightBit => "8bit"u8,
        _ => "7bit"u8,
    };

    private static bool Is(string text, string word) => text.Equals(word, StringComparison.OrdinalIgnoreCase);
}
