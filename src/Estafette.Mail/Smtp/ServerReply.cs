using System.Globalization;
using System.Text;
using Estafette.Mail;

namespace Estafette.Smtp;

/// <summary>
/// A whole reply of the server we talk to, fit for people, logs and notifications: one line, control characters escaped (E12), length limited.
/// <paramref name="Text"/> begins with the code, as the peer said it. <paramref name="Status"/> is the peer's own code, or x.0.0 by the class of the reply.
/// </summary>
public sealed record ServerReply(int Code, EnhancedStatus Status, string Text)
{
    /// <summary>Characters of text that are kept.</summary>
    public const int MaximumText = 1024;

    public bool IsPositive => Code is >= 200 and < 300;
    public bool IsPermanent => Code is >= 500 and < 600;

    /// <summary>Reads the octets that <see cref="ServerReplyParser"/> found to be one reply. Continuation lines lose the code they repeat.</summary>
    public static ServerReply Of(ReadOnlySpan<byte> octets)
    {
        int code = ServerReplyParser.CodeOf(octets);
        var text = new StringBuilder(64);
        text.Append(CultureInfo.InvariantCulture, $"{code}");
        string status = "";
        while (!octets.IsEmpty && text.Length < MaximumText)
        {
            ReadOnlySpan<byte> line = NextLine(ref octets);
            line = line.Length > 4 ? line[4..] : [];
            string words = Encoding.UTF8.GetString(line[..Math.Min(line.Length, MaximumText)]).Trim();
            if (status.Length == 0)
                status = LeadingStatus(words, code);
            else if (words.StartsWith(status, StringComparison.Ordinal))
                words = words[status.Length..].TrimStart();
            if (words.Length > 0)
                PeerText.Append(text.Append(' '), words);
        }
        if (text.Length > MaximumText)
            text.Length = MaximumText;
        EnhancedStatus.TryParse(status, out EnhancedStatus enhanced);
        if (enhanced.IsNone)
            enhanced = new EnhancedStatus((byte)(code / 100 is 2 or 4 or 5 ? code / 100 : 4), 0, 0);
        return new ServerReply(code, enhanced, text.ToString());
    }

    private static ReadOnlySpan<byte> NextLine(ref ReadOnlySpan<byte> octets)
    {
        int end = octets.IndexOf((byte)'\n');
        ReadOnlySpan<byte> line = end < 0 ? octets : octets[..end];
        octets = end < 0 ? [] : octets[(end + 1)..];
        return line.EndsWith("\r"u8) ? line[..^1] : line;
    }

    /// <summary>The enhanced code at the start, if it is of the reply's own class (RFC 2034 s4); empty when none.</summary>
    private static string LeadingStatus(string words, int code)
    {
        int end = words.IndexOf(' ', StringComparison.Ordinal);
        string first = end < 0 ? words : words[..end];
        return EnhancedStatus.TryParse(first, out EnhancedStatus status) && status.Class == code / 100 ? first : "";
    }
}
