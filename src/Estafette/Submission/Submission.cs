using Estafette.Mail;

namespace Estafette.Program.Submission;

/// <summary>One message as a local command hands it over: envelope wishes, the finished header, and the body as read.</summary>
internal sealed record Submission
{
    public required string ReversePath { get; init; }
    public required IReadOnlyList<string> Recipients { get; init; }
    /// <summary>The completed header with the empty line that ends it.</summary>
    public required byte[] Header { get; init; }
    public required MessageInput Message { get; init; }
    public string? Notify { get; init; }
    public string? Return { get; init; }
    public string? EnvelopeId { get; init; }
    public string? Body { get; init; }

    /// <summary>What Postfix's sendmail(1) says beside the standard; null elsewhere.</summary>
    public Smtp.SendmailWords? Words { get; init; }

    /// <summary>Parameters of MAIL FROM, each with a blank before it.</summary>
    public string MailParameters =>
        (Body is null ? "" : " BODY=" + Body.ToUpperInvariant()) + (Return is null ? "" : " RET=" + Return.ToUpperInvariant())
        + (EnvelopeId is null ? "" : " ENVID=" + Xtext(EnvelopeId)) + (Words is null ? "" : " XSENDMAIL=" + Words);

    public string RecipientParameters => Notify is null ? "" : " NOTIFY=" + Notify.ToUpperInvariant();

    /// <summary>RFC 3461 s4: printable ASCII but + and = as it is, the rest in hex.</summary>
    private static string Xtext(string text)
    {
        var encoded = new System.Text.StringBuilder();
        foreach (byte octet in System.Text.Encoding.UTF8.GetBytes(text))
        {
            if (octet is >= 0x21 and <= 0x7e and not ((byte)'+' or (byte)'='))
                encoded.Append((char)octet);
            else
                encoded.Append('+').Append(octet.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }
        return encoded.ToString();
    }
}
