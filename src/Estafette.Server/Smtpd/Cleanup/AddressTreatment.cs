namespace Estafette.Smtpd.Cleanup;

/// <summary>What an address is used for; maps may hold for some uses only (<c>canonical_classes</c>, <c>masquerade_classes</c>).</summary>
public enum AddressUse : byte { HeaderSender, HeaderRecipient, EnvelopeSender }

/// <summary>Whose domain completes the addresses in a header.</summary>
public enum HeaderContext : byte
{
    /// <summary>Nobody's: the header stays as it came.</summary>
    None,

    /// <summary>Our own users' (<c>myorigin</c>, <c>mydomain</c>).</summary>
    Local,

    /// <summary>That of strangers (<c>remote_header_rewrite_domain</c>).</summary>
    Remote,
}

/// <param name="Address">In its written form, quotes included.</param>
/// <param name="MapsAddresses">False where only the form is completed (<c>no_address_mappings</c>).</param>
public readonly record struct AddressQuestion(string Address, AddressUse Use, HeaderContext Context, bool MapsAddresses);

/// <summary>Routing's answer: the address as it goes on, in its written form; null where a table cannot be asked now (E44).</summary>
public delegate ValueTask<string?> AddressTreatment(AddressQuestion question, CancellationToken cancellationToken);
