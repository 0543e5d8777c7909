using System.Globalization;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>The reply codes that an administrator may choose (<c>postconf(5) *_reject_code, *_defer_code</c>). One that is no refusal is an error: nobody would be refused.</summary>
internal static class RejectCodeLowering
{
    public static RejectCodes Lower(ParameterReader reader) => new()
    {
        Reject = Code(reader, "reject_code"),
        Defer = Code(reader, "defer_code"),
        AccessMapReject = Code(reader, "access_map_reject_code"),
        AccessMapDefer = Code(reader, "access_map_defer_code"),
        RelayDomains = Code(reader, "relay_domains_reject_code"),
        InvalidHostname = Code(reader, "invalid_hostname_reject_code"),
        UnknownHostname = Code(reader, "unknown_hostname_reject_code"),
        NonFqdn = Code(reader, "non_fqdn_reject_code"),
        UnknownClient = Code(reader, "unknown_client_reject_code"),
        UnknownAddress = Code(reader, "unknown_address_reject_code"),
        MapsRbl = Code(reader, "maps_rbl_reject_code"),
        Plaintext = Code(reader, "plaintext_reject_code"),
        MultiRecipientBounce = Code(reader, "multi_recipient_bounce_reject_code"),
        UnknownLocalRecipient = Code(reader, "unknown_local_recipient_reject_code"),
        UnknownRelayRecipient = Code(reader, "unknown_relay_recipient_reject_code"),
        UnknownVirtualAlias = Code(reader, "unknown_virtual_alias_reject_code"),
        UnknownVirtualMailbox = Code(reader, "unknown_virtual_mailbox_reject_code"),
    };

    private static int Code(ParameterReader reader, string name)
    {
        int code = reader.Count(name);
        if (code is < 400 or > 599)
            reader.Fail(name, string.Create(CultureInfo.InvariantCulture, $"{name} = {code} is no code of a refusal"), "write a number from 400 to 599");
        return code;
    }
}
