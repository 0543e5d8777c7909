using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>
/// What smtp(8) and lmtp(8) take from main.cf and the options of their services. Both have the same parameters, each with its own name in front.
/// </summary>
internal sealed class RelayLowering(ServiceEntry service, ParameterReader reader)
{
    private readonly bool _lmtp = service.Command == "lmtp";

    private string Name(string parameter) => (_lmtp ? "lmtp_" : "smtp_") + parameter;

    public ActionConfig.Relay Lower(RelayTlsLowering tls)
    {
        ImmutableArray<string> policies = reader.Maps(Name("tls_policy_maps"));
        return new ActionConfig.Relay
        {
            Name = service.Name,
            At = service.At,
            ByNextHop = _lmtp ? RelayProtocol.Lmtp : reader.Flag("smtp_tls_wrappermode") ? RelayProtocol.Smtps : RelayProtocol.Smtp,
            Helo = reader.Text(_lmtp ? "lmtp_lhlo_name" : "smtp_helo_name"),
            Fallback = reader.Text(Name("fallback_relay")),
            Port = Port(),
            Credentials = Credentials(),
            Tls = tls.Lower(reader, _lmtp ? "lmtp_" : "smtp_"),
            TlsTable = policies.FirstOrDefault(),
            MoreTlsTables = [.. policies.Skip(1)],
            Habits = Habits(),
        };
    }

    private int Port()
    {
        string text = reader.Text(Name("tcp_port"));
        return ServicePort.TryRead(text, out int port) ? port : Bad();

        int Bad()
        {
            reader.Fail(Name("tcp_port"), "unknown service: " + text, "write a number");
            return 0;
        }
    }

    private RelayHabits Habits() => new()
    {
        Families = Families(),
        Preferred = Preference(),
        Source4 = Source(Name("bind_address"), AddressFamily.InterNetwork),
        Source6 = Source(Name("bind_address6"), AddressFamily.InterNetworkV6),
        Addresses = reader.Count(Name("mx_address_limit")),
        SkipsRefusedGreeting = reader.Flag(Name("skip_5xx_greeting")),
        IgnoredKeywords = [.. reader.Words(Name(_lmtp ? "discard_lhlo_keywords" : "discard_ehlo_keywords")).Select(w => w.ToUpperInvariant())],
        Generic = reader.Maps(Name("generic_maps")),
        Connections = Math.Max(1, reader.Count(service.Name + "_destination_concurrency_limit") is > 0 and var limit ? limit : int.MaxValue),
        Recipients = reader.Count(service.Name + "_destination_recipient_limit"),
        RateDelay = reader.Time(service.Name + "_destination_rate_delay"),
        Patience = new RelayPatience
        {
            Connect = NotNone(reader.Time(Name("connect_timeout"))),
            Hello = reader.Time(_lmtp ? "lmtp_lhlo_timeout" : "smtp_helo_timeout"),
            StartTls = reader.Time(Name("starttls_timeout")),
            Mail = reader.Time(Name("mail_timeout")),
            Recipient = reader.Time(Name("rcpt_timeout")),
            DataInitiation = reader.Time(Name("data_init_timeout")),
            DataBlock = reader.Time(Name("data_xfer_timeout")),
            DataTermination = reader.Time(Name("data_done_timeout")),
            Quit = reader.Time(Name("quit_timeout")),
        },
    };

    /// <summary>0 leaves the limit to the system, which has one.</summary>
    private static TimeSpan NotNone(TimeSpan time) => time > TimeSpan.Zero ? time : TimeSpan.FromMinutes(2);

    private AddressFamilies Families()
    {
        ImmutableArray<string> words = reader.Words("inet_protocols");
        bool v4 = words.Contains("ipv4", StringComparer.OrdinalIgnoreCase), v6 = words.Contains("ipv6", StringComparer.OrdinalIgnoreCase);
        return v4 == v6 ? AddressFamilies.Both : v4 ? AddressFamilies.Version4 : AddressFamilies.Version6;
    }

    private AddressFamilies Preference()
    {
        string word = reader.Text(Name("address_preference")).ToLowerInvariant();
        if (word is not ("any" or "ipv4" or "ipv6"))
            reader.Fail(Name("address_preference"), "unknown " + Name("address_preference") + " value: " + word, "write any, ipv4 or ipv6");
        return word switch { "ipv4" => AddressFamilies.Version4, "ipv6" => AddressFamilies.Version6, _ => AddressFamilies.Both };
    }

    private IPAddress? Source(string name, AddressFamily family)
    {
        string text = reader.Text(name);
        if (text.Length == 0)
            return null;
        if (IPAddress.TryParse(text.Trim('[', ']'), out IPAddress? address) && address.AddressFamily == family)
            return address;
        reader.Fail(name, name + ": bad address: " + text, "write one numerical address");
        return null;
    }

    private RelayCredentials? Credentials()
    {
        bool enabled = reader.Flag(Name("sasl_auth_enable"));
        ImmutableArray<string> maps = reader.Maps(Name("sasl_password_maps"));
        bool bySender = reader.Flag(_lmtp ? "lmtp_sender_dependent_authentication" : "smtp_sender_dependent_authentication");
        ImmutableArray<string> clear = reader.Words(Name("sasl_security_options")), tls = reader.Words(Name("sasl_tls_security_options")),
            verified = reader.Words(Name("sasl_tls_verified_security_options")), mechanisms = reader.Words(Name("sasl_mechanism_filter"));
        if (!enabled)
            return null;
        if (maps.IsEmpty)
        {
            reader.Fail(Name("sasl_auth_enable"), Name("sasl_auth_enable") + " = yes, but " + Name("sasl_password_maps") + " is empty", "name the table of passwords");
            return null;
        }
        return new RelayCredentials(maps[0])
        {
            MoreTables = [.. maps.Skip(1)],
            Key = bySender ? CredentialKey.Sender : CredentialKey.Host,
            Mechanisms = [.. mechanisms.Select(m => m.ToUpperInvariant())],
            Password = !Bars(clear) ? PasswordNeeds.Nothing : !Bars(tls) ? PasswordNeeds.Tls : !Bars(verified) ? PasswordNeeds.VerifiedTls : PasswordNeeds.Never,
        };
    }

    private static bool Bars(ImmutableArray<string> options) => options.Contains("noplaintext", StringComparer.OrdinalIgnoreCase);
}
