using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>The options of one <c>listen</c> line, taken one after the other in any order; each may stand once, <c>pki</c> often.</summary>
internal sealed class ListenOptions(LoweringContext context, TableLowering tables, IdentityLowering identities, FilterLowering filters, TlsLowering tls, StatementReader reader)
{
    /// <summary>Names of ports, as far as mail needs them (the services file may be absent in a container).</summary>
    private static readonly (string Name, int Port)[] Services =
        [("smtp", 25), ("smtps", 465), ("submissions", 465), ("submission", 587), ("urd", 465), ("lmtp", 24)];

    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly List<Item.Text> _pki = [];
    private ImmutableArray<KeyValuePair<string, string>> _names = [];
    private Item.Text? _folderName;
    private SourceSpan _tlsAt;
    private SourceSpan? _anchorAt;
    private SourceSpan? _settingsAt;
    private string? _hostName;

    public AddressFamily? Family { get; private set; }
    public int? Port { get; private set; }
    public ListenerTls Tls { get; private set; }

    public ClientCertificateDemand ClientCertificate { get; private set; }

    /// <summary><c>ssl</c> or <c>secure</c>: both STARTTLS on 25 and TLS on 465.</summary>
    public bool TlsAndImplicit { get; private set; }
    public LoginOptions Login { get; } = new(context, tables, reader);
    public bool MaskSource { get; private set; }
    public bool NoDsn { get; private set; }
    public bool ProxyProtocol { get; private set; }
    public string? ProxySources { get; private set; }
    public string? MendedSources { get; private set; }
    public string? Tag { get; private set; }
    public TlsSettings TlsSettings { get; private set; } = tls.Settings;
    public ImmutableArray<string> ClientAnchors { get; private set; } = [];
    public string? Filter { get; private set; }
    public SourceSpan FilterAt { get; private set; }
    public ImmutableArray<string> Identities { get; private set; } = [];

    public void Take()
    {
        SourceSpan at = reader.Here;
        if (TakeTls(at) || TakeIdentity(at) || Login.Take(at, Once) || TakeShared(at))
            return;
        if (reader.Take("inet4"))
            Family = Once("the address family", at) ? AddressFamily.InterNetwork : null;
        else if (reader.Take("inet6"))
            Family = Once("the address family", at) ? AddressFamily.InterNetworkV6 : null;
        else if (reader.Take("port"))
            TakePort(at);
        else if (reader.Take("hostname"))
            _hostName = Once("hostname", at) ? reader.TakeText("the name", "hostname mail.example.org")?.Value : null;
        else if (reader.Take("hostnames"))
            TakeNames(at);
        else if (reader.Take("received-auth"))
            context.Ignored(at, "`received-auth`", "the Received field says that the client logged in (ESMTPA), not as whom");
        else if (!context.OldGrammar && reader.Take("proxy-v2"))
            TakeProxy(at);
        else if (!context.OldGrammar && reader.Take("mend-newlines"))
            MendedSources = Once("mend-newlines", at) ? TakeSources("mend-newlines") : null;
        else
            reader.Unexpected();
    }

    public void TakeForSocket()
    {
        SourceSpan at = reader.Here;
        if (!Login.TakeLocalSenders(at, Once) && !TakeShared(at))
            reader.Unexpected();
    }

    /// <summary>
    /// The certificates of this listener: those named, else <c>pki</c> of the listener's or the server's name or <c>*</c>, else (old grammar) the files
    /// of the interface's name (O16). Without any, a listener that only offers TLS stops offering it, with a warning; one that demands it is an error.
    /// </summary>
    public void FindIdentities(Item.Text spec)
    {
        if (Tls == ListenerTls.None && !TlsAndImplicit)
        {
            if (_pki.Count > 0 || _folderName is not null)
                reader.Fail((_pki.Count > 0 ? _pki[0] : _folderName!).At, "a certificate without TLS", "add `tls`, `tls-require` or `smtps` to the line");
            else if (_settingsAt is { } settings)
                reader.Fail(settings, "this is about TLS, and the line has none", "add `tls`, `tls-require` or `smtps` to the line");
        }
        // The old grammar's `ca` on a listener asks nobody for anything either (smtpd.conf(5) of 6.0).
        if (_anchorAt is { } unused && ClientCertificate == ClientCertificateDemand.None)
        {
            context.Findings.Warning(unused, "`ca` on a listener is for certificates of clients, and none is asked for",
                "add `verify` behind `tls-require` or `smtps`" + (context.OldGrammar ? "" : ", or `verify optional`") + ", or remove it");
        }
        if (Tls == ListenerTls.None && !TlsAndImplicit)
            return;
        var found = ImmutableArray.CreateBuilder<string>();
        foreach (Item.Text name in _pki)
        {
            if (identities.Use(name) is { } identity)
                found.Add(identity);
        }
        if (_pki.Count == 0 && Unnamed(spec) is { } chosen)
            found.Add(chosen);
        Identities = found.ToImmutable();
        if (!found.Any() && _pki.Count == 0 && _folderName is null)
            TellMissing(spec);
    }

    public string? NameFor(IPAddress address)
    {
        string text = address.ToString();
        foreach ((string key, string value) in _names)
        {
            if (string.Equals(key.Trim('[', ']'), text, StringComparison.OrdinalIgnoreCase))
                return value;
        }
        return _hostName;
    }

    private string? Unnamed(Item.Text spec)
    {
        if (_folderName is not null)
            return InFolder(_folderName, mustExist: true);
        foreach (string name in (string[])[_hostName ?? context.HostName, context.HostName, "*"])
        {
            if (identities.Knows(name))
                return identities.Use(new Item.Text(name, false, _tlsAt));
        }
        return context.OldGrammar ? InFolder(spec, mustExist: false) : null;
    }

    private string? InFolder(Item.Text name, bool mustExist)
    {
        string? identity = identities.UseFolder(name, mustExist);
        if (identity is not null && ClientCertificate != ClientCertificateDemand.None && ClientAnchors.IsEmpty && identities.FolderAnchor(name) is { } anchor)
            ClientAnchors = [anchor];
        return identity;
    }

    private void TellMissing(Item.Text spec)
    {
        string name = _hostName ?? context.HostName;
        string cure = "declare `pki " + name + (context.OldGrammar ? " certificate" : " cert") + " \"/path.crt\"` and `pki " + name + " key \"/path.key\"`, and add `pki " + name + "` to this line"
            + (context.OldGrammar ? "; or install " + IdentityLowering.CertificateFolder + spec.Value + ".crt and .key" : "")
            + "; or write `pki " + name + " self-signed`, and the server makes one itself";
        if (Tls == ListenerTls.Offer && Login.Demand == ListenerAuth.None)
            context.Findings.Warning(_tlsAt, "`tls` without a certificate: STARTTLS is not offered here", cure);
        else
            reader.Fail(_tlsAt, "TLS is asked for, but there is no certificate", cure);
    }

    private bool TakeTls(SourceSpan at)
    {
        if (reader.Take("tls"))
            SetTls(at, ListenerTls.Offer);
        else if (reader.Take("tls-require"))
            SetTls(at, ListenerTls.Require);
        else if (reader.Take("smtps"))
            SetTls(at, ListenerTls.Implicit);
        else if (context.OldGrammar && (reader.Take("ssl") || reader.Take("secure")))
        {
            SetTls(at, ListenerTls.None);
            TlsAndImplicit = true;
            if (Port is not null)
                reader.Fail(at, "`ssl` and `secure` mean two ports, 25 and 465, and cannot have one", "write `tls` or `smtps` instead");
        }
        else if (!TlsAndImplicit && reader.Take("verify"))
            reader.Fail(at, "`verify` stands directly behind the word that asks for TLS", "write `tls-require verify`, `smtps verify` or `tls verify optional`");
        else
            return false;
        return true;
    }

    private void SetTls(SourceSpan at, ListenerTls tls)
    {
        if (!Once("the kind of TLS", at))
            return;
        Tls = tls;
        _tlsAt = at;
        if (tls != ListenerTls.None && reader.Take("verify"))
            SetVerify(reader.Before);
    }

    /// <summary><c>verify</c> demands a certificate of every client; our own <c>verify optional</c> asks for one and lets the rules decide.</summary>
    private void SetVerify(SourceSpan at)
    {
        ClientCertificate = !context.OldGrammar && reader.Take("optional") ? ClientCertificateDemand.Ask : ClientCertificateDemand.Require;
        if (Tls == ListenerTls.Offer && ClientCertificate == ClientCertificateDemand.Require)
            reader.Fail(at, "`tls verify`: a client without a certificate would come in without TLS instead", "write `tls-require verify`, or `tls verify optional` to ask for a certificate only");
    }

    private bool TakeIdentity(SourceSpan at)
    {
        if (reader.Take("pki"))
        {
            if (reader.TakeText("the certificate's name", "pki mail.example.org") is { } name)
                _pki.Add(name);
        }
        else if (context.OldGrammar && reader.Take("certificate"))
            _folderName = Once("certificate", at) ? reader.TakeText("the certificate's name", "certificate mail") : null;
        else if (reader.Take("ca"))
            TakeAnchor(at);
        else if (!context.OldGrammar && tls.Take(reader, TlsSettings) is { } settings)
            TakeSettings(at, settings);
        else
            return false;
        return true;
    }

    private void TakeAnchor(SourceSpan at)
    {
        if (reader.TakeText("the trust anchor's name", "ca example") is not { } name || identities.UseAnchor(name) is not { } anchor)
            return;
        if (!ClientAnchors.Contains(anchor))
            ClientAnchors = ClientAnchors.Add(anchor);
        _anchorAt ??= at;
    }

    private void TakeSettings(SourceSpan at, TlsSettings settings)
    {
        TlsSettings = settings;
        _settingsAt ??= at;
    }

    private bool TakeShared(SourceSpan at)
    {
        if (reader.Take("filter"))
        {
            FilterAt = at;
            Filter = Once("filter", at) ? filters.Use(reader) : null;
        }
        else if (reader.Take("mask-src") || reader.Take("mask-source"))
            MaskSource = Once("mask-src", at);
        else if (reader.Take("no-dsn"))
            NoDsn = Once("no-dsn", at);
        else if (reader.Take("tag"))
            Tag = Once("tag", at) ? reader.TakeText("the tag", "tag SUBMISSION")?.Value : null;
        else
            return false;
        return true;
    }

    private void TakePort(SourceSpan at)
    {
        if (!Once("port", at))
            return;
        Item.Text? text = reader.TakeText("the port", "port 587");
        if (text is null)
            return;
        (string Name, int Port) service = Array.Find(Services, s => s.Name == text.Value);
        long number = service.Port > 0 ? service.Port : Quantity.Count(text.Value) ?? 0;
        if (number is > 0 and < 65_536)
            Port = (int)number;
        else
        {
            string? meant = Spelling.Closest(text.Value, Services.Select(s => s.Name));
            reader.Fail(text.At, "`" + text.Value + "` is not a port", meant is null ? "write a number from 1 to 65535, or smtp, smtps, submission" : "did you mean `" + meant + "`?");
        }
        if (TlsAndImplicit)
            reader.Fail(at, "`ssl` and `secure` mean two ports, 25 and 465, and cannot have one", "write `tls` or `smtps` instead");
    }

    private void TakeNames(SourceSpan at)
    {
        if (!Once("hostnames", at))
            return;
        Item? item = reader.TakeTable("the table of names", "hostnames <names>");
        if (item is null || tables.Use(item, TableUse.HostNames) is not { } table)
            return;
        if (tables.Rows(table) is { } rows)
            _names = rows;
        else if (context.CheckFiles)
            context.NotSupported(item.At, "`hostnames` from a table of this kind", "use a table in the configuration, or a `file:` table");
    }

    /// <summary>E49: whoever may send a PROXY header may claim any address, so those who may are to be named.</summary>
    private void TakeProxy(SourceSpan at)
    {
        ProxyProtocol = Once("proxy-v2", at);
        if (reader.IsAt("from"))
            ProxySources = TakeSources("proxy-v2");
        else
            context.Findings.Warning(at, "`proxy-v2` believes everybody who can connect here, whatever address they claim", "name the balancers: `proxy-v2 from { 192.0.2.1 }`");
    }

    private string? TakeSources(string option)
    {
        string example = option + " from { 192.0.2.0/24 }";
        if (reader.Take("from"))
            return tables.Use(reader.TakeTable("the networks", example), TableUse.Network);
        reader.Fail(reader.Here, "`" + option + "` needs to know for whom", "write `" + example + "`");
        return null;
    }

    private bool Once(string what, SourceSpan at)
    {
        if (_seen.Add(what))
            return true;
        reader.Fail(at, (what.Contains(' ', StringComparison.Ordinal) ? what : "`" + what + "`") + " stands twice in this line", "remove one");
        return false;
    }
}
