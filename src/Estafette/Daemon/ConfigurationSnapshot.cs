using System.Collections.Frozen;
using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Delivery.Local;
using Estafette.Dns;
using Estafette.Mail;
using Estafette.Policy;
using Estafette.Policy.Restrictions;
using Estafette.Routing;
using Estafette.Routing.Maps;
using Estafette.Smtpd;
using Estafette.Smtpd.Auth;
using Estafette.Smtpd.Cleanup;
using Estafette.Tables;

namespace Estafette.Program.Daemon;

/// <summary>Everything that is built from one configuration. A reload builds a whole new one and swaps the reference; whoever holds the old one finishes with it.</summary>
internal sealed record ConfigurationSnapshot(MailConfig Config, FileView Files, TableSet Tables, Router Router, SmtpdServices Smtpd)
{
    /// <summary>Null where rules route.</summary>
    public MapRouter? Maps => Smtpd.Maps;
}

/// <summary>Builds snapshots: the same way at start and at reload.</summary>
internal sealed class SnapshotBuilder(IUserDatabase users, IForwardFiles forwards, LocalAddresses addresses, LocalLogins logins, Resolver dns, Events.EventSink events, TimeProvider clock)
{
    /// <summary>One for all snapshots: a reload keeps the connections.</summary>
    private readonly DovecotSockets _dovecot = new(clock);

    public ConfigurationSnapshot Build(MailConfig config, FileView files, TableSet tables, ServerCertificates certificates)
    {
        foreach (Diagnostic finding in CredentialsCheck.Of(config, tables))
            events.Publish(new Events.OperatorWarning("config", DiagnosticPrinter.OneLine(finding)) { At = events.Now });
        var router = new Router(config, tables, users, forwards, events, addresses);
        MapRouter? maps = config.Maps is null ? null : new MapRouter(config, tables, events, addresses);
        AddressClassifier? classify = maps is null ? null : (query, cancellation) => maps.StandingAsync(query.Address, query.Sender, query.IsSender ? AddressRole.Sender : AddressRole.Recipient, cancellation);
        return new ConfigurationSnapshot(config, files, tables, router, new SmtpdServices
        {
            Config = config,
            Route = router.ResolveAsync,
            Tables = tables,
            TreatAddress = maps is null ? (question, _) => ValueTask.FromResult<string?>(question.Address) : (question, cancellation) => TreatAsync(maps, question, cancellation),
            IsOwnAddress = address => config.Listeners.Any(l => l.EndPoint.Address.Equals(address)
                || ((l.EndPoint.Address.Equals(System.Net.IPAddress.Any) || l.EndPoint.Address.Equals(System.Net.IPAddress.IPv6Any)) && addresses.Contains(address))),
            Maps = maps,
            Users = users,
            Policy = new SessionPolicy(config, tables),
            Restrictions = EnginesOf(config, tables, classify),
            Classify = classify,
            Certificates = certificates,
            SystemLogin = AskAsync,
            Dovecot = _dovecot,
        });
    }

    private static ValueTask<string?> TreatAsync(MapRouter maps, AddressQuestion question, CancellationToken cancellationToken) => maps.RewriteWrittenAsync(
        question.Address,
        !question.MapsAddresses ? MappedAddresses.None : question.Use switch
        {
            AddressUse.HeaderSender => MappedAddresses.HeaderSender,
            AddressUse.HeaderRecipient => MappedAddresses.HeaderRecipient,
            _ => MappedAddresses.EnvelopeSender,
        },
        question.Context == HeaderContext.Remote ? RewriteContext.Remote : RewriteContext.Local,
        cancellationToken);

    /// <summary>The restrictions of each service; its listeners share them.</summary>
    private FrozenDictionary<SmtpdConfig, RestrictionEngine> EnginesOf(MailConfig config, TableSet tables, AddressClassifier? classify)
    {
        if (classify is null)
            return FrozenDictionary<SmtpdConfig, RestrictionEngine>.Empty;
        IEqualityComparer<SmtpdConfig> same = ReferenceEqualityComparer.Instance;
        var services = new RestrictionServices { Tables = tables, Dns = dns, Classify = classify, HostName = config.HostName, OwnAddresses = addresses.Contains };
        return config.Listeners.Select(l => l.Smtpd).OfType<SmtpdConfig>().Distinct(same).ToFrozenDictionary(c => c, c => new RestrictionEngine(c, services, clock), same);
    }

    private async ValueTask<CredentialCheck> AskAsync(SystemLoginRequest request, CancellationToken cancellationToken)
    {
        LocalReply answer = await logins.CheckAsync(request.Service, request.Login, request.Password, request.Client?.ToString() ?? "", cancellationToken);
        if (answer.Code is not (235 or 535))
            events.Publish(new Events.OperatorWarning("auth", "a login of the system's users could not be checked: " + answer.Text) { At = events.Now });
        return answer.Code switch { 235 => CredentialCheck.Right, 535 => CredentialCheck.Wrong, _ => CredentialCheck.Unavailable };
    }

    public TableSet Tables(MailConfig config, FileView files) =>
        new(config, files, users, clock, text => events.Publish(new Events.OperatorWarning("tables", text) { At = events.Now }));
}
