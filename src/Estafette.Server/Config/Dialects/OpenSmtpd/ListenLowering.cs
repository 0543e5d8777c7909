using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Estafette.Config.Model;

namespace Estafette.Config.Dialects.OpenSmtpd;

/// <summary>
/// <c>listen on ...</c> of both grammars. What would leave a client without a way in (TLS demanded, no certificate), or send passwords
/// in the clear (<c>auth</c> without TLS), is an error; <c>auth</c> on port 25 gets a warning (O24).
/// </summary>
internal sealed class ListenLowering(LoweringContext context, TableLowering tables, IdentityLowering identities, FilterLowering filters, TlsLowering tls)
{
    private readonly ImmutableArray<ListenerConfig>.Builder _listeners = ImmutableArray.CreateBuilder<ListenerConfig>();
    private LocalSubmissionConfig? _local;

    public ImmutableArray<ListenerConfig> Listeners => _listeners.ToImmutable();
    public LocalSubmissionConfig LocalSubmission => _local ?? new LocalSubmissionConfig();

    /// <summary>True once a line could not be understood: then nobody knows who may connect.</summary>
    public bool Incomplete { get; private set; }

    public void Lower(Statement statement)
    {
        StatementReader reader = context.Open(statement);
        Lower(reader, statement.Keyword.At);
        Incomplete |= reader.Failed;
    }

    private void Lower(StatementReader reader, SourceSpan at)
    {
        if (reader.Failed)
            return;
        if (!reader.Take("on"))
        {
            reader.Unexpected();
            return;
        }
        if (reader.Take("socket"))
        {
            Socket(reader, at);
            return;
        }
        Item.Text? spec = reader.TakeText("what to listen on", "listen on all, listen on lo or listen on 192.0.2.7");
        if (spec is null)
            return;
        var options = new ListenOptions(context, tables, identities, filters, tls, reader);
        while (reader.More)
            options.Take();
        if (!reader.Failed)
            Finish(reader, spec, options);
    }

    private void Socket(StatementReader reader, SourceSpan at)
    {
        if (_local is not null)
            reader.Fail(at, "`listen on socket` stands twice", "keep one line with all its options");
        var options = new ListenOptions(context, tables, identities, filters, tls, reader);
        while (reader.More)
            options.TakeForSocket();
        CheckFilter(options);
        _local = new LocalSubmissionConfig { Filter = options.Filter, MaskSource = options.MaskSource, Tag = options.Tag ?? "local", SendersTable = options.Login.SendersTable };
    }

    private void CheckFilter(ListenOptions options)
    {
        if (options.Filter is not null)
            filters.CheckUse(options.Filter, options.FilterAt);
    }

    private void Finish(StatementReader reader, Item.Text spec, ListenOptions options)
    {
        options.Login.Check();
        if (options.Login.Demand != ListenerAuth.None && options.Login.WithoutTls)
            context.Findings.Warning(options.Login.At, "passwords may travel in the clear here: everybody on the way can read them", "remove `auth-without-tls`, and add `tls-require` or `smtps`");
        else if (options.Login.Demand != ListenerAuth.None && options.Tls == ListenerTls.None && !options.TlsAndImplicit)
        {
            reader.Fail(options.Login.At, "`auth` needs TLS: passwords would travel in the clear", "add `tls-require` (STARTTLS) or `smtps` (port 465) before it"
                + (context.OldGrammar ? "" : "; who wants it all the same adds `auth-without-tls`"));
            return;
        }
        CheckFilter(options);
        ImmutableArray<IPAddress> addresses = new EndPoints(context).Find(spec, options.Family);
        options.FindIdentities(spec);
        if (reader.Failed)
            return;
        foreach (IPAddress address in addresses)
        {
            if (options.TlsAndImplicit)
            {
                // `ssl` and `secure` of the oldest grammars: STARTTLS on port 25 and TLS from the start on 465.
                Add(spec, options, address, 465, ListenerTls.Implicit);
                Add(spec, options, address, 25, ListenerTls.Offer);
            }
            else
                Add(spec, options, address, options.Port ?? (options.Tls == ListenerTls.Implicit ? 465 : 25), options.Tls);
        }
        if (options.Login.Demand == ListenerAuth.Required && (options.Port ?? 25) == 25 && options.Tls != ListenerTls.Implicit)
        {
            context.Findings.Warning(options.Login.At, "`auth` on port 25: other mail servers do not log in, so no mail can arrive here from outside",
                "listen on port 587 for users that log in, and on port 25 without `auth`" + (context.OldGrammar ? "" : " (or with `auth-optional`)"));
        }
    }

    private void Add(Item.Text spec, ListenOptions options, IPAddress address, int port, ListenerTls tls)
    {
        var endPoint = new IPEndPoint(address, port);
        ListenerConfig? twin = _listeners.FirstOrDefault(l => l.EndPoint.Port == port && Overlap(l.EndPoint.Address, address));
        if (twin is not null)
        {
            context.Findings.Error(spec.At, twin.EndPoint + " is listened on already, by the line " + twin.At,
                twin.Spec == "all" || spec.Value == "all" ? "`all` takes every address: remove the other line, or name addresses in both" : "remove one of the lines, or give it another port");
            return;
        }
        _listeners.Add(new ListenerConfig
        {
            EndPoint = endPoint,
            Spec = spec.Value,
            At = spec.At,
            Tag = options.Tag ?? "",
            HostName = options.NameFor(address) ?? context.HostName,
            Tls = options.Identities.IsEmpty ? ListenerTls.None : tls,
            Identities = options.Identities,
            TlsSettings = options.TlsSettings,
            ClientCertificate = options.ClientCertificate,
            ClientAnchors = options.ClientAnchors,
            Auth = options.Login.Demand,
            AuthSource = options.Login.Source,
            AuthMechanisms = options.Login.Mechanisms,
            AuthWithoutTls = options.Login.WithoutTls,
            SendersTable = options.Login.SendersTable,
            Masquerade = options.Login.Masquerade,
            MaskSource = options.MaskSource,
            NoDsn = options.NoDsn,
            ProxyProtocol = options.ProxyProtocol,
            ProxySources = options.ProxySources,
            MendedSources = options.MendedSources,
            Filter = options.Filter,
        });
    }

    private static bool Overlap(IPAddress a, IPAddress b) =>
        a.Equals(b) || Covers(a, b) || Covers(b, a);

    /// <summary>The wildcard of IPv6 takes IPv4 too: it is one socket of both families.</summary>
    private static bool Covers(IPAddress wildcard, IPAddress address) =>
        wildcard.Equals(IPAddress.IPv6Any) || (wildcard.Equals(IPAddress.Any) && address.AddressFamily == AddressFamily.InterNetwork);
}
