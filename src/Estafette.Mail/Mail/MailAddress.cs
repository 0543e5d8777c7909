namespace Estafette.Mail;

/// <summary>
/// A mailbox address: local part (unquoted, semantic form) and domain (without a trailing dot; an address literal keeps its
/// brackets). Either may be empty: both for the null reverse-path <c>&lt;&gt;</c>, the domain for an unqualified local name.
/// Equality is ordinal in the local part and ignores ASCII case in the domain (RFC 5321 s2.4).
/// </summary>
public sealed record MailAddress(string LocalPart, string Domain)
{
    /// <summary>The null reverse-path, written <c>&lt;&gt;</c> (RFC 5321 s4.5.5).</summary>
    public static MailAddress Null { get; } = new("", "");

    public bool IsNull => LocalPart.Length == 0 && Domain.Length == 0;

    public bool Equals(MailAddress? other) =>
        other is not null && string.Equals(LocalPart, other.LocalPart, StringComparison.Ordinal)
        && string.Equals(Domain, other.Domain, StringComparison.OrdinalIgnoreCase);

    public override int GetHashCode() =>
        HashCode.Combine(string.GetHashCode(LocalPart, StringComparison.Ordinal), string.GetHashCode(Domain, StringComparison.OrdinalIgnoreCase));

    /// <summary>True where a character beyond ASCII makes the address need SMTPUTF8 (RFC 6531).</summary>
    public bool NeedsSmtpUtf8 => !System.Text.Ascii.IsValid(LocalPart) || !System.Text.Ascii.IsValid(Domain);

    /// <summary>The external form without angle brackets; the local part is quoted where RFC 5321 s4.1.2 asks for it.</summary>
    public override string ToString()
    {
        if (IsNull)
            return "";
        string local = AddressSyntax.QuoteLocalPartIfNeeded(LocalPart);
        return Domain.Length == 0 ? local : local + "@" + Domain;
    }
}
