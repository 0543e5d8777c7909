using System.Globalization;

namespace Estafette.Mail;

/// <summary>
/// The queue id of one message, 64 bits: the high half is taken from the clock, the low half is random and unique among
/// the messages that wait, so that ids are not reused after a restore from a snapshot (E58).
/// </summary>
public readonly record struct MessageId(ulong Value)
{
    /// <summary>Eight hex digits, as OpenSMTPD writes a message id; the first half of an envelope id (O23).</summary>
    public string Short => ((uint)Value).ToString("x8", CultureInfo.InvariantCulture);

    /// <summary>The whole id, sixteen upper-case hex digits; what logs of the Postfix style and the tools show.</summary>
    public override string ToString() => Value.ToString("X16", CultureInfo.InvariantCulture);

    /// <summary>The id of one recipient's envelope in OpenSMTPD's form: message id and recipient key, sixteen hex digits.</summary>
    public string EnvelopeId(uint recipientKey) => Short + recipientKey.ToString("x8", CultureInfo.InvariantCulture);

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out MessageId id)
    {
        bool ok = ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong value) && text.Length == 16;
        id = new MessageId(value);
        return ok;
    }
}
