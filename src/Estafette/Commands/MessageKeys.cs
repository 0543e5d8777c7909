using System.Text;
using Estafette.Mail;

namespace Estafette.Program.Commands;

/// <summary>
/// The lookup keys that a message is for header_checks and body_checks (<c>postmap -h -b -m</c>): each header field with its folded lines, each line of the body. With MIME, headers of parts and of
/// attached messages are headers, too. One pass, bounded depth.
/// </summary>
internal sealed class MessageKeys(bool headers, bool body, bool mime)
{
    /// <summary>Parts within parts; what lies deeper is body (mime_nesting_limit).</summary>
    private const int MaximumDepth = 100;

    private readonly List<string> _boundaries = [];
    private readonly StringBuilder _field = new();
    private MimeType _type = MimeType.PlainText;
    private bool _inHeader = true;

    /// <summary>Lines as octets, without their ends.</summary>
    public IEnumerable<string> Of(IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            if (_inHeader && line.Length > 0 && line[0] is ' ' or '\t' && _field.Length > 0)
            {
                _field.Append('\n').Append(line);
                continue;
            }
            if (EndOfField() is { } field)
                yield return field;
            if (_inHeader && IsField(line))
            {
                _field.Append(line);
                continue;
            }
            if (_inHeader)
            {
                EndOfHeader(isBlank: line.Length == 0);
                // What is no field ends a header as an empty line does.
                if (body && line.Length > 0)
                    yield return "";
            }
            else if (mime)
                TakeBoundary(line);
            if (body)
                yield return line;
            if (!body && !mime && !_inHeader)
                yield break;
        }
        if (EndOfField() is { } last)
            yield return last;
    }

    private string? EndOfField()
    {
        if (_field.Length == 0)
            return null;
        string field = _field.ToString();
        _field.Clear();
        const string ContentType = "content-type:";
        if (mime && field.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase))
            _type = MimeType.Parse(Encoding.Latin1.GetBytes(field[ContentType.Length..].Replace('\n', ' '))) ?? MimeType.PlainText;
        return headers ? field : null;
    }

    private void EndOfHeader(bool isBlank)
    {
        MimeType type = _type;
        _type = MimeType.PlainText;
        if (mime && _boundaries.Count < MaximumDepth && type.Boundary is { } boundary && type.IsMultipart)
            _boundaries.Add("--" + boundary);
        // An attached message goes on with its own header.
        _inHeader = mime && isBlank && type.Type == "message" && type.Subtype is "rfc822" or "global" or "partial";
    }

    private void TakeBoundary(string line)
    {
        if (!line.StartsWith("--", StringComparison.Ordinal))
            return;
        for (int i = _boundaries.Count - 1; i >= 0; i--)
        {
            if (!line.StartsWith(_boundaries[i], StringComparison.Ordinal))
                continue;
            _inHeader = !line.AsSpan(_boundaries[i].Length).StartsWith("--");
            _boundaries.RemoveRange(_inHeader ? i + 1 : i, _boundaries.Count - (_inHeader ? i + 1 : i));
            return;
        }
    }

    private static bool IsField(string line)
    {
        int colon = line.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && !line.AsSpan(0, colon).TrimEnd(" \t").ContainsAnyExceptInRange('!', '~') && line[0] is not (' ' or '\t');
    }
}
