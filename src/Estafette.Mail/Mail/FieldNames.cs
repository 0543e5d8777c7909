using System.Text;

namespace Estafette.Mail;

/// <summary>Tells which known field a name is; names are compared without ASCII case (RFC 5322 s1.2.2).</summary>
public static class FieldNames
{
    /// <summary>A longer run of name characters without a colon is no header field (RFC 5322 s2.1.1 leaves 997; nobody uses more than 80).</summary>
    public const int MaximumLength = 256;

    public const int KnownCount = (int)KnownField.ResentMessageId + 1;

    // The order is that of KnownField.
    private static readonly byte[][] Names =
        [
            [], "received"u8.ToArray(), "return-path"u8.ToArray(), "delivered-to"u8.ToArray(), "date"u8.ToArray(), "from"u8.ToArray(),
            "sender"u8.ToArray(), "reply-to"u8.ToArray(), "to"u8.ToArray(), "cc"u8.ToArray(), "bcc"u8.ToArray(), "message-id"u8.ToArray(),
            "subject"u8.ToArray(), "mime-version"u8.ToArray(), "content-type"u8.ToArray(), "content-transfer-encoding"u8.ToArray(),
            "content-disposition"u8.ToArray(), "auto-submitted"u8.ToArray(), "dkim-signature"u8.ToArray(), "resent-date"u8.ToArray(),
            "resent-from"u8.ToArray(), "resent-sender"u8.ToArray(), "resent-to"u8.ToArray(), "resent-cc"u8.ToArray(),
            "resent-bcc"u8.ToArray(), "resent-message-id"u8.ToArray(),
        ];

    public static KnownField Identify(ReadOnlySpan<byte> name)
    {
        for (int i = 1; i < Names.Length; i++)
        {
            if (Names[i].Length == name.Length && Ascii.EqualsIgnoreCase(Names[i], name))
                return (KnownField)i;
        }
        return KnownField.Other;
    }

    /// <summary>Printable ASCII but the colon (RFC 5322 s2.2).</summary>
    public static bool IsNameOctet(byte octet) => octet is > 32 and < 127 and not (byte)':';

    /// <summary>"From " and ">From " as mailboxes and pipes put them above a message; no header field, and no end of the header either.</summary>
    internal static bool IsMailboxSeparator(ReadOnlySpan<byte> name) => name.SequenceEqual("From"u8) || name.SequenceEqual(">From"u8);
}
