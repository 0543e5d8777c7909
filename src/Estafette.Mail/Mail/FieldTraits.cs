using System.Collections.Frozen;
using System.Text;

namespace Estafette.Mail;

/// <summary>What Postfix does with a header field of a known name; a field without traits is passed on.</summary>
[Flags]
public enum FieldTraits : byte
{
    None = 0,

    /// <summary>Holds addresses of senders (<c>header_from</c> of canonical_classes).</summary>
    Sender = 1,

    /// <summary>Holds addresses of recipients.</summary>
    Recipient = 2,

    /// <summary>Its addresses are recipients for <c>sendmail -t</c>.</summary>
    Extracted = 4,

    /// <summary>Its presence makes the message a resent one.</summary>
    Resent = 8,

    /// <summary>Describes content: checked by mime_header_checks wherever it stands.</summary>
    Mime = 16,

    /// <summary>Known, whatever else is said of it.</summary>
    Known = 32,
}

/// <summary>The names that cleanup(8) knows (canonical(5) and header_checks(5) list what they are used for).</summary>
public static class FieldTable
{
    /// <summary>No known name is longer.</summary>
    private const int LongestName = 32;

    private static readonly FrozenDictionary<string, FieldTraits> s_traits = new Dictionary<string, FieldTraits>
    {
        ["apparently-to"] = FieldTraits.Recipient,
        ["bcc"] = FieldTraits.Recipient | FieldTraits.Extracted,
        ["cc"] = FieldTraits.Recipient | FieldTraits.Extracted,
        ["content-description"] = FieldTraits.Mime,
        ["content-disposition"] = FieldTraits.Mime,
        ["content-id"] = FieldTraits.Mime,
        ["content-length"] = FieldTraits.None,
        ["content-transfer-encoding"] = FieldTraits.Mime,
        ["content-type"] = FieldTraits.Mime,
        ["date"] = FieldTraits.None,
        ["delivered-to"] = FieldTraits.None,
        ["disposition-notification-to"] = FieldTraits.Sender,
        ["errors-to"] = FieldTraits.Sender,
        ["from"] = FieldTraits.Sender,
        ["mail-followup-to"] = FieldTraits.Sender,
        ["message-id"] = FieldTraits.None,
        ["mime-version"] = FieldTraits.Mime,
        ["received"] = FieldTraits.None,
        ["reply-to"] = FieldTraits.Sender,
        ["resent-bcc"] = FieldTraits.Recipient | FieldTraits.Extracted | FieldTraits.Resent,
        ["resent-cc"] = FieldTraits.Recipient | FieldTraits.Extracted | FieldTraits.Resent,
        ["resent-date"] = FieldTraits.Resent,
        ["resent-from"] = FieldTraits.Sender | FieldTraits.Resent,
        ["resent-message-id"] = FieldTraits.Resent,
        ["resent-reply-to"] = FieldTraits.Recipient | FieldTraits.Resent,
        ["resent-sender"] = FieldTraits.Sender | FieldTraits.Resent,
        ["resent-to"] = FieldTraits.Recipient | FieldTraits.Extracted | FieldTraits.Resent,
        ["return-path"] = FieldTraits.Sender,
        ["return-receipt-to"] = FieldTraits.Sender,
        ["sender"] = FieldTraits.Sender,
        ["to"] = FieldTraits.Recipient | FieldTraits.Extracted,
    }.ToFrozenDictionary(p => p.Key, p => p.Value | FieldTraits.Known, StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenDictionary<string, FieldTraits>.AlternateLookup<ReadOnlySpan<char>> s_bySpan = s_traits.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <param name="name">A field's name without the colon.</param>
    public static FieldTraits Of(ReadOnlySpan<byte> name)
    {
        if (name.Length > LongestName)
            return FieldTraits.None;
        Span<char> text = stackalloc char[LongestName];
        int length = Encoding.Latin1.GetChars(name, text);
        return s_bySpan.TryGetValue(text[..length], out FieldTraits traits) ? traits : FieldTraits.None;
    }

    /// <summary>The length of the name that a line begins with; 0 where the line is no header field. Blanks may stand between name and colon (RFC 5322 s4.5).</summary>
    public static int NameLength(ReadOnlySpan<byte> line)
    {
        int length = 0;
        while (length < line.Length && FieldNames.IsNameOctet(line[length]))
            length++;
        int colon = length;
        while (colon < line.Length && line[colon] is (byte)' ' or (byte)'\t')
            colon++;
        return length > 0 && colon < line.Length && line[colon] == ':' ? length : 0;
    }
}
