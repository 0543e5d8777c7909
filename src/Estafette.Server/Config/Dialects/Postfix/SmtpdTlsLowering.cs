using System.Collections.Immutable;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.Postfix;

/// <summary>TLS as one service of smtpd(8) offers it (<c>postconf(5) smtpd_tls_*</c>). Protocols older than TLS 1.2 are never spoken, whatever a list allows (RFC 8996).</summary>
internal sealed class SmtpdTlsLowering(ReadingContext context)
{
    private readonly ImmutableDictionary<string, IdentityConfig>.Builder _identities = ImmutableDictionary.CreateBuilder<string, IdentityConfig>(StringComparer.Ordinal);
    private readonly ImmutableDictionary<string, string>.Builder _anchors = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);

    public ImmutableDictionary<string, IdentityConfig> Identities => _identities.ToImmutable();

    public ImmutableDictionary<string, string> TrustAnchors => _anchors.ToImmutable();

    public ListenerConfig Lower(ParameterReader reader, ListenerConfig listener)
    {
        ImmutableArray<string> identities = Certificates(reader);
        ListenerTls tls = Level(reader, listener, identities);
        string anchors = reader.Text("smtpd_tls_CAfile");
        if (anchors.Length > 0)
            _anchors.TryAdd(anchors, anchors);
        bool demands = reader.Flag("smtpd_tls_req_ccert");
        bool asks = demands || reader.Flag("smtpd_tls_ask_ccert");
        if (demands && tls == ListenerTls.Offer)
        {
            context.Findings.Warning(reader.Place("smtpd_tls_req_ccert"), "smtpd_tls_req_ccert has no effect while TLS is optional: a certificate is asked for only", "set smtpd_tls_security_level = encrypt");
            demands = false;
        }
        return listener with
        {
            Identities = identities,
            Tls = tls,
            ClientCertificate = demands ? ClientCertificateDemand.Require : asks ? ClientCertificateDemand.Ask : ClientCertificateDemand.None,
            ClientAnchors = anchors.Length > 0 ? [anchors] : [],
            TlsSettings = Settings(reader, tls is ListenerTls.Require or ListenerTls.Implicit),
        };
    }

    private ImmutableArray<string> Certificates(ParameterReader reader)
    {
        var names = ImmutableArray.CreateBuilder<string>();
        ImmutableArray<string> chains = reader.Words("smtpd_tls_chain_files");
        foreach (string file in chains)
            Add(names, file, file, reader.Place("smtpd_tls_chain_files"));
        (string Certificate, string Key)[] pairs = [("smtpd_tls_cert_file", "smtpd_tls_key_file"), ("smtpd_tls_eccert_file", "smtpd_tls_eckey_file")];
        foreach ((string certificate, string key) in pairs)
        {
            string file = reader.Text(certificate).Trim(), keyFile = reader.Text(key).Trim();
            if (chains.IsEmpty && file.Length > 0 && file != "none")
                Add(names, file, keyFile.Length > 0 ? keyFile : file, reader.Place(certificate));
        }
        return names.ToImmutable();
    }

    private void Add(ImmutableArray<string>.Builder names, string certificate, string key, SourceSpan at)
    {
        string name = key == certificate ? certificate : certificate + " " + key;
        _identities.TryAdd(name, new IdentityConfig(name, certificate, key, at));
        if (!names.Contains(name))
            names.Add(name);
    }

    private ListenerTls Level(ParameterReader reader, ListenerConfig listener, ImmutableArray<string> identities)
    {
        string level = reader.Text("smtpd_tls_security_level").ToLowerInvariant();
        bool wrapped = reader.Flag("smtpd_tls_wrappermode");
        bool enforced = reader.Flag("smtpd_enforce_tls"), used = reader.Flag("smtpd_use_tls");
        if (level.Length == 0)
            level = enforced ? "encrypt" : used ? "may" : "none";
        if (level is "verify" or "secure" or "fingerprint" or "dane" or "dane-only")
        {
            context.Findings.Warning(reader.Place("smtpd_tls_security_level"), $"unsupported TLS level \"{level}\", using \"encrypt\"", "write none, may or encrypt");
            level = "encrypt";
        }
        if (level is not ("none" or "may" or "encrypt"))
        {
            reader.Fail("smtpd_tls_security_level", $"invalid TLS level \"{level}\"", "write none, may or encrypt");
            return ListenerTls.None;
        }
        if (wrapped && identities.IsEmpty)
            context.Findings.Error(listener.At, "service " + listener.Spec + ": smtpd_tls_wrappermode without a certificate", "set smtpd_tls_cert_file and smtpd_tls_key_file");
        else if (level == "encrypt" && identities.IsEmpty)
            context.Findings.Error(reader.Place("smtpd_tls_security_level"), "service " + listener.Spec + ": TLS is demanded and there is no certificate", "set smtpd_tls_cert_file and smtpd_tls_key_file");
        else if (level == "may" && identities.IsEmpty)
            context.Findings.Warning(reader.Place("smtpd_tls_security_level"), "service " + listener.Spec + ": no certificate, so STARTTLS is not offered", "set smtpd_tls_cert_file and smtpd_tls_key_file");
        if (identities.IsEmpty)
            return ListenerTls.None;
        return wrapped ? ListenerTls.Implicit : level switch { "may" => ListenerTls.Offer, "encrypt" => ListenerTls.Require, _ => ListenerTls.None };
    }

    private TlsSettings Settings(ParameterReader reader, bool mandatory)
    {
        string protocols = mandatory ? "smtpd_tls_mandatory_protocols" : "smtpd_tls_protocols";
        string other = mandatory ? "smtpd_tls_protocols" : "smtpd_tls_mandatory_protocols";
        TlsSettings settings = TlsVersions.Read(reader, protocols, TlsSettings.Default);
        // Read, so that an error in it is told, too.
        TlsVersions.Read(reader, other, TlsSettings.Default);
        ImmutableArray<string> excluded = reader.Words("smtpd_tls_exclude_ciphers");
        ImmutableArray<string> excludedThen = reader.Words("smtpd_tls_mandatory_exclude_ciphers");
        foreach (string grade in (string[])["smtpd_tls_ciphers", "smtpd_tls_mandatory_ciphers"])
        {
            if (reader.Text(grade).ToLowerInvariant() is not ("high" or "medium" or "low" or "export" or "null"))
                reader.Fail(grade, grade + ": invalid cipher grade: \"" + reader.Text(grade) + "\"", "write high or medium");
        }
        string[] all = [.. excluded, .. mandatory ? excludedThen : []];
        return all.Length == 0 ? settings : CipherExclusion.Apply(context.Findings, reader.Place("smtpd_tls_exclude_ciphers"), all, settings);
    }
}
