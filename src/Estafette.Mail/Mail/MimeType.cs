using System.Text;

namespace Estafette.Mail;

/// <summary>A Content-Type: what is needed to walk through a message (RFC 2045 s5.1). Text is lower case; the boundary keeps its case.</summary>
public sealed record MimeType(string Type, string Subtype, string? Boundary)
{
    /// <summary>RFC 2046 s5.1.1.</summary>
    public const int MaximumBoundary = 70;

    public static MimeType PlainText { get; } = new("text", "plain", null);

    public bool IsMultipart => Type == "multipart";

    /// <summary>Nothing below may change: a signature covers the octets, encoding included (RFC 1847 s2.1, E24).</summary>
    public bool IsSealed => IsMultipart && Subtype is "signed" or "encrypted";

    public bool IsMessage => Type == "message" && Subtype is "rfc822" or "global";

    /// <summary>Null where it cannot be read; parameters behind an error are not seen.</summary>
    public static MimeType? Parse(ReadOnlySpan<byte> value)
    {
        var reader = new MimeValueReader(value);
        if (reader.Token() is not { } type || !reader.Take('/') || reader.Token() is not { } subtype)
            return null;
        string? boundary = null;
        while (reader.Take(';'))
        {
            if (reader.Token() is not { } name)
                continue;
            if (!reader.Take('=') || reader.Word() is not { } word)
                break;
            if (name.Equals("boundary", StringComparison.OrdinalIgnoreCase) && boundary is null && word.Length is > 0 and <= MaximumBoundary)
                boundary = word;
        }
        return new MimeType(type.ToLowerInvariant(), subtype.ToLowerInvariant(), boundary);
    }
}

/// <summary>Tokens and quoted strings of a structured value, with blanks and comments between them passed over.</summary>
internal ref struct MimeValueReader(ReadOnlySpan<byte> value)
{
    private ReadOnlySpan<byte> _rest = value;

    public bool Take(char c)
    {
        SkipBlanks();
        if (_rest.IsEmpty || _rest[0] != c)
            return false;
        _rest = _rest[1..];
        return true;
    }

    /// <summary>Goes behind the next such character that stands in no comment and no quoted string.</summary>
    public bool TakeBehind(char c)
    {
        while (!Take(c))
        {
            if (_rest.IsEmpty)
                return false;
            if (_rest[0] != '"' || Word() is null)
                _rest = _rest[1..];
        }
        return true;
    }

    public string? Token()
    {
        SkipBlanks();
        int length = 0;
        while (length < _rest.Length && _rest[length] is > 32 and < 127 && !"()<>@,;:\\\"/[]?="u8.Contains(_rest[length]))
            length++;
        string? token = length > 0 ? Encoding.ASCII.GetString(_rest[..length]) : null;
        _rest = _rest[length..];
        return token;
    }

    /// <summary>A token, a bit more freely than the standard has it, or a quoted string.</summary>
    public string? Word()
    {
        SkipBlanks();
        if (!_rest.StartsWith("\""u8))
        {
            int length = _rest.IndexOfAny("; \t\r\n"u8);
            length = length < 0 ? _rest.Length : length;
            string word = Encoding.Latin1.GetString(_rest[..length]);
            _rest = _rest[length..];
            return word.Length > 0 ? word : null;
        }
        var text = new StringBuilder();
        for (int i = 1; i < _rest.Length; i++)
        {
            if (_rest[i] == '"')
            {
                _rest = _rest[(i + 1)..];
                return text.ToString();
            }
            if (_rest[i] == '\\' && i + 1 < _rest.Length)
                i++;
            if (_rest[i] is not ((byte)'\r' or (byte)'\n'))
                text.Append((char)_rest[i]);
        }
        return null;
    }

    private void SkipBlanks()
    {
        int depth = 0;
        int i = 0;
        for (; i < _rest.Length; i++)
        {
            byte octet = _rest[i];
            if (octet == '\\' && depth > 0)
                i++;
            else if (octet == '(')
                depth++;
            else if (octet == ')' && depth > 0)
                depth--;
            else if (depth == 0 && octet is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n'))
                break;
        }
        _rest = _rest[Math.Min(i, _rest.Length)..];
    }
}
