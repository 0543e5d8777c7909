using System.Collections.Immutable;
using System.Text;

namespace Estafette.Mail;

/// <summary>One address of a list and where its addr-spec stands, in octets of the parsed text: there a domain is appended or the address replaced.</summary>
public sealed record ListedAddress(MailAddress Address, int Start, int End);

/// <summary>
/// The addresses of a From, To, Cc or Bcc value: groups, comments, quoted names, routes and folding are understood (RFC 5322 s3.4, s4.4). One pass, no
/// recursion, bounded. What cannot be read is left out and told by <see cref="IsMalformed"/>; the rest is still there.
/// </summary>
public sealed class AddressList
{
    /// <summary>Addresses beyond this number are not read.</summary>
    public const int MaximumAddresses = 10_000;

    /// <summary>Octets of one address (RFC 5321 s4.5.3.1: 64, the at sign, 255).</summary>
    public const int MaximumAddressLength = 320;

    internal AddressList(ImmutableArray<ListedAddress> addresses, bool isMalformed)
    {
        Addresses = addresses;
        IsMalformed = isMalformed;
    }

    public ImmutableArray<ListedAddress> Addresses { get; }

    /// <summary>Something in it was no address, or there were too many.</summary>
    public bool IsMalformed { get; }

    public static AddressList Parse(ReadOnlySpan<byte> value) => new AddressListReader(value).Read();

    public static AddressList Parse(string value) => Parse(Encoding.UTF8.GetBytes(value));

    /// <summary>The same text with <paramref name="domain"/> appended to every address that has none; octets between addresses stay as they are.</summary>
    public static byte[] Qualify(ReadOnlySpan<byte> value, string domain) =>
        Replace(value, address => address.Domain.Length > 0 || domain.Length == 0 ? null : new MailAddress(address.LocalPart, domain));

    /// <summary>The same text with addresses replaced; null from <paramref name="replacement"/> keeps one.</summary>
    public static byte[] Replace(ReadOnlySpan<byte> value, Func<MailAddress, MailAddress?> replacement)
    {
        using var output = new MemoryStream(value.Length + 64);
        int copied = 0;
        foreach (ListedAddress listed in Parse(value).Addresses)
        {
            if (replacement(listed.Address) is not { } changed)
                continue;
            output.Write(value[copied..listed.Start]);
            output.Write(Encoding.UTF8.GetBytes(FieldText.Sanitize(changed.ToString())));
            copied = listed.End;
        }
        output.Write(value[copied..]);
        return output.ToArray();
    }
}
