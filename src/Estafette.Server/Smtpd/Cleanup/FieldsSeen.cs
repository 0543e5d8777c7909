using System.Text;

namespace Estafette.Smtpd.Cleanup;

/// <summary>Which of the fields that a message must have it has. A resent message needs those with <c>Resent-</c> (RFC 5322 s3.6.6).</summary>
internal struct FieldsSeen
{
    private Seen _seen;

    [Flags]
    private enum Seen : byte { None = 0, MessageId = 1, Date = 2, From = 4, ResentMessageId = 8, ResentDate = 16, ResentFrom = 32, Visible = 64 }

    /// <summary>Some field of a resent message is there.</summary>
    public bool IsResent { get; private set; }

    public readonly bool HasMessageId => Has(Seen.MessageId, Seen.ResentMessageId);
    public readonly bool HasOwnMessageId => _seen.HasFlag(Seen.MessageId);
    public readonly bool HasDate => Has(Seen.Date, Seen.ResentDate);
    public readonly bool HasFrom => Has(Seen.From, Seen.ResentFrom);
    public readonly bool HasVisibleRecipients => _seen.HasFlag(Seen.Visible);

    public void Note(ReadOnlySpan<byte> name, bool resent)
    {
        IsResent |= resent;
        ReadOnlySpan<byte> bare = resent ? name["resent-".Length..] : name;
        if (Is(bare, "to"u8) || Is(bare, "cc"u8))
            _seen |= Seen.Visible;
        else if (Is(bare, "message-id"u8))
            _seen |= resent ? Seen.ResentMessageId : Seen.MessageId;
        else if (Is(bare, "date"u8))
            _seen |= resent ? Seen.ResentDate : Seen.Date;
        else if (Is(bare, "from"u8))
            _seen |= resent ? Seen.ResentFrom : Seen.From;
    }

    private readonly bool Has(Seen usual, Seen resent) => _seen.HasFlag(IsResent ? resent : usual);

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> known) => Ascii.EqualsIgnoreCase(name, known);
}
