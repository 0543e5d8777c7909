using System.Globalization;
using Estafette.Mail;
using Estafette.Tables;

namespace Estafette.Delivery.Users;

/// <summary>Makes the envelopes of one recipient's deliveries for the privileged side: names, digests, and the values that commands and paths may ask for.</summary>
/// <param name="ActionName">The action of local(8).</param>
/// <param name="Queue">The message's envelope.</param>
/// <param name="Recipient">Whom it came for.</param>
/// <param name="Delimiters"><c>recipient_delimiter</c>.</param>
internal sealed record LocalEnvelopes(string ActionName, Envelope Queue, Recipient Recipient, string Delimiters)
{
    /// <summary>For the user's mailbox, or the question for the forward file.</summary>
    public LocalEnvelope For(MailAddress address, string user, string extension) => new()
    {
        User = user,
        Action = ActionName,
        Destination = address,
        Original = Recipient.Original,
        Detail = extension.Length > 0 ? extension[1..] : "",
        Values = ValuesOf(address, user, extension),
    };

    /// <summary>For a command or file.</summary>
    public LocalEnvelope ForTarget(ExpansionPoint at, ListedTarget target)
    {
        string digest = LocalActions.DigestOf(new LocalTarget(target.Kind is TargetKind.Command, target.Text));
        if (at.Forward is { } forward)
            return forward with { Target = digest, Source = TargetSource.ForwardFile };
        string local = at.Address.LocalPart.ToLowerInvariant();
        string user = AddressExtension.TrySplit(local, Delimiters, out string? bare, out string extension) ? bare : local;
        return For(at.Address, user, extension) with { Target = digest, Source = TargetSource.AliasTable };
    }

    /// <summary>The macros of luser_relay; null for a name that it does not have.</summary>
    public string? MacroOf(string name, MailAddress address, string user, string extension) => name switch
    {
        "domain" => address.Domain,
        "extension" => extension.Length > 0 ? extension[1..] : "",
        "home" or "shell" => "",
        "local" or "mailbox" => address.LocalPart,
        "recipient" => address.ToString(),
        "recipient_delimiter" => extension.Length > 0 ? extension[..1] : "",
        "user" => user,
        "client_address" => Queue.Client.Address?.ToString() ?? "",
        "client_helo" => Queue.Client.Helo,
        "client_hostname" => Queue.Client.HostName ?? "unknown",
        "client_protocol" => Queue.Client.Protocol,
        "sasl_method" or "sasl_sender" => "",
        "sasl_username" => Queue.Client.Login ?? "",
        _ => null,
    };

    private Dictionary<string, string> ValuesOf(MailAddress address, string user, string extension)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["user"] = user,
            ["domain"] = address.Domain,
            ["local"] = address.LocalPart.ToLowerInvariant(),
            ["recipient"] = address.ToString(),
            ["original_recipient"] = Recipient.Original.ToString(),
        };
        Add("extension", extension.Length > 0 ? extension[1..] : "");
        Add("delimiter", extension.Length > 0 ? extension[..1] : "");
        AddClient(Queue.Client, Add);
        return values;

        void Add(string name, string value)
        {
            if (value.Length > 0)
                values[name] = value;
        }
    }

    /// <summary>Who handed the message in, by the names that local(8) and pipe(8) share.</summary>
    public static void AddClient(ClientInfo client, Action<string, string> add)
    {
        if (client.Address is not null)
        {
            add("client_address", client.Address.IsIPv4MappedToIPv6 ? client.Address.MapToIPv4().ToString() : client.Address.ToString());
            add("client_hostname", client.HostName ?? "unknown");
            add("client_port", client.Port.ToString(CultureInfo.InvariantCulture));
            add("client_protocol", client.Protocol);
        }
        add("client_helo", client.Helo);
        add("sasl_username", client.Login ?? "");
    }
}
