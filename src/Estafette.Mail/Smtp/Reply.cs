using System.Globalization;
using System.Text;
using Estafette.Mail;

namespace Estafette.Smtp;

/// <summary>
/// One reply of ours, ready to be written (RFC 5321 s4.2). Text that came from outside is made harmless here: no control character and nothing beyond
/// ASCII leaves in a reply, and no line is longer than RFC 5321 s4.5.3.1.5 allows.
/// </summary>
public sealed class Reply
{
    /// <summary>RFC 5321 s4.5.3.1.5: 512 octets with the line end.</summary>
    private const int LongestLine = 510;

    /// <param name="lines">What follows the code in each line, enhanced status codes included.</param>
    public Reply(int code, params ReadOnlySpan<string> lines)
    {
        Code = code;
        Text = lines.Length == 0 ? "" : lines[0];
        Wire = Write(code, lines);
    }

    public int Code { get; }

    /// <summary>What follows the code in the first line.</summary>
    public string Text { get; }

    /// <summary>The octets, with CRLF.</summary>
    public ReadOnlyMemory<byte> Wire { get; }

    /// <summary>The session ends after this reply.</summary>
    public bool Closes { get; private init; }

    public bool IsRefusal => Code >= 400;

    /// <summary>A temporary refusal for our own reasons: 4.3.x, "mail system" (RFC 3463 s3.4). No fault of the client's.</summary>
    public bool IsOwnTrouble => Code is >= 400 and < 500 && Text.StartsWith("4.3.", StringComparison.Ordinal);

    /// <summary>The same reply, after which the session ends.</summary>
    public Reply ThenClose() => new(Code, Text, Wire);

    private Reply(int code, string text, ReadOnlyMemory<byte> wire)
    {
        Code = code;
        Text = text;
        Wire = wire;
        Closes = true;
    }

    /// <summary>A reply given whole, code first, as filters and rules write it; null where it does not begin with a code of failure (4xx, 5xx).</summary>
    public static Reply? FromText(string text)
    {
        if (text.Length < 3 || text[0] is not ('4' or '5') || !char.IsAsciiDigit(text[1]) || !char.IsAsciiDigit(text[2]))
            return null;
        if (text.Length > 3 && text[3] != ' ')
            return null;
        int code = int.Parse(text.AsSpan(0, 3), CultureInfo.InvariantCulture);
        return new Reply(code, text.Length > 4 ? text[4..] : "");
    }

    public override string ToString() => Text.Length == 0 ? Code.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{Code} {Text}");

    private static byte[] Write(int code, ReadOnlySpan<string> lines)
    {
        if (lines.Length == 0)
            return Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{code}\r\n"));
        var wire = new StringBuilder();
        for (int i = 0; i < lines.Length; i++)
        {
            int start = wire.Length;
            wire.Append(CultureInfo.InvariantCulture, $"{code}").Append(i == lines.Length - 1 ? ' ' : '-');
            foreach (char c in lines[i])
            {
                if (wire.Length - start == LongestLine)
                    break;
                wire.Append(c is < ' ' or > '~' ? '?' : c);
            }
            wire.Append("\r\n");
        }
        return Encoding.ASCII.GetBytes(wire.ToString());
    }
}
