using System.Collections.Immutable;

namespace Estafette.Mail;

/// <summary>
/// The recipients a header names, for <c>sendmail -t</c>: To, Cc and Bcc; where Resent fields name some, those only (RFC 5322 s3.6.6). Nothing in the body counts (E29).
/// </summary>
public sealed record HeaderRecipients(ImmutableArray<MailAddress> Addresses, bool IsMalformed)
{
    /// <param name="fields">The header block, without the empty line.</param>
    public static HeaderRecipients Collect(ReadOnlySpan<byte> fields)
    {
        var usual = ImmutableArray.CreateBuilder<MailAddress>();
        var resent = ImmutableArray.CreateBuilder<MailAddress>();
        bool malformed = false;
        foreach (HeaderField field in new HeaderFields(fields))
        {
            ImmutableArray<MailAddress>.Builder? into = field.Known switch
            {
                KnownField.To or KnownField.Cc or KnownField.Bcc => usual,
                KnownField.ResentTo or KnownField.ResentCc or KnownField.ResentBcc => resent,
                _ => null,
            };
            if (into is null || into.Count >= AddressList.MaximumAddresses)
                continue;
            AddressList list = AddressList.Parse(field.Value);
            malformed |= list.IsMalformed;
            into.AddRange(list.Addresses.Select(a => a.Address));
        }
        return new HeaderRecipients(resent.Count > 0 ? resent.ToImmutable() : usual.ToImmutable(), malformed);
    }
}
