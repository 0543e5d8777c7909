using System.Collections.Immutable;
using Estafette.Mail;

namespace Estafette.Tables;

/// <summary>
/// The addresses that a map gives for an address (canonical(5), virtual(5), generic(5)). <c>@domain</c> keeps the user, without the extension that was left over; any other value is a list of addresses, each of
/// which gets that extension where it is to be propagated (<c>propagate_unmatched_extensions</c>). Pure.
/// </summary>
public static class AddressMapping
{
    /// <param name="value">What the map answered.</param>
    /// <param name="extension">What <see cref="AddressAnswer.Extension"/> says.</param>
    /// <param name="propagates">Whether addresses get the extension.</param>
    /// <returns>Nothing where the value is no list of addresses: that is a mistake in the table, and the mail must wait.</returns>
    public static ImmutableArray<MailAddress> Expand(string value, MailAddress original, string extension, bool propagates)
    {
        if (value.StartsWith('@'))
        {
            string user = original.LocalPart;
            user = user.EndsWith(extension, StringComparison.Ordinal) ? user[..^extension.Length] : user;
            return value.Length > 1 ? [Extended(new MailAddress(user, value[1..]), extension, propagates)] : [];
        }
        if (value.Trim() is "<>" or "\"\"")
            return [MailAddress.Null];
        return [.. AddressTokens.ReadList(value).Select(a => Extended(a.ToAddress(), extension, propagates))];
    }

    private static MailAddress Extended(MailAddress address, string extension, bool propagates) =>
        propagates && extension.Length > 0 ? address with { LocalPart = address.LocalPart + extension } : address;
}
