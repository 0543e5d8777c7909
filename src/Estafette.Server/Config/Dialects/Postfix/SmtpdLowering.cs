using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>What smtpd(8) takes from main.cf and the options of its service: restriction lists, limits, TLS and AUTH.</summary>
internal sealed class SmtpdLowering(ReadingContext context)
{
    private readonly ImmutableDictionary<string, IdentityConfig>.Builder _identities = ImmutableDictionary.CreateBuilder<string, IdentityConfig>(StringComparer.Ordinal);
    private readonly ImmutableDictionary<string, string>.Builder _anchors = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);

    public ImmutableDictionary<string, IdentityConfig> Identities => _identities.ToImmutable();

    public ImmutableDictionary<string, string> TrustAnchors => _anchors.ToImmutable();

    public ListenerConfig Lower(ParameterReader reader, ListenerConfig listener)
    {
        string certificate = First(reader.Text("smtpd_tls_cert_file")), key = First(reader.Text("smtpd_tls_key_file"));
        ImmutableArray<string> identities = [];
        if (certificate.Length > 0 && certificate != "none")
        {
            _identities.TryAdd(certificate, new IdentityConfig(certificate, certificate, key.Length > 0 ? key : certificate, reader.Place("smtpd_tls_cert_file")));
            identities = [certificate];
        }
        string level = reader.Text("smtpd_tls_security_level");
        if (identities.IsEmpty && reader.Flag("smtpd_tls_wrappermode"))
            context.Findings.Error(listener.At, "service " + listener.Spec + ": smtpd_tls_wrappermode without a certificate", "set smtpd_tls_cert_file and smtpd_tls_key_file");
        return listener with
        {
            Identities = identities,
            Tls = identities.IsEmpty ? ListenerTls.None : reader.Flag("smtpd_tls_wrappermode") ? ListenerTls.Implicit : level switch { "may" => ListenerTls.Offer, "encrypt" => ListenerTls.Require, _ => ListenerTls.None },
            Smtpd = new SmtpdConfig
            {
                Client = reader.Restrictions("smtpd_client_restrictions"),
                Helo = reader.Restrictions("smtpd_helo_restrictions"),
                Sender = reader.Restrictions("smtpd_sender_restrictions"),
                Relay = reader.Restrictions("smtpd_relay_restrictions"),
                Recipient = reader.Restrictions("smtpd_recipient_restrictions"),
                Data = reader.Restrictions("smtpd_data_restrictions"),
                EndOfData = reader.Restrictions("smtpd_end_of_data_restrictions"),
                DelayReject = reader.Flag("smtpd_delay_reject"),
                Networks = reader.MatchList("mynetworks"),
            },
        };
    }

    private static string First(string list) => Words.Split(list).FirstOrDefault() ?? "";
}
