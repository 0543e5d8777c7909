using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Policy;
using Estafette.Routing;
using Estafette.Smtpd;
using Estafette.Tables;

namespace Estafette.Program.Daemon;

/// <summary>Everything that is built from one configuration. A reload builds a whole new one and swaps the reference; whoever holds the old one finishes with it.</summary>
internal sealed record ConfigurationSnapshot(MailConfig Config, FileView Files, TableSet Tables, Router Router, SmtpdServices Smtpd);

/// <summary>Builds snapshots: the same way at start and at reload.</summary>
internal sealed class SnapshotBuilder(IUserDatabase users, IForwardFiles forwards, LocalAddresses addresses, Events.EventSink events, TimeProvider clock)
{
    public ConfigurationSnapshot Build(MailConfig config, FileView files, TableSet tables, ServerCertificates certificates)
    {
        var router = new Router(config, tables, users, forwards, events, addresses);
        return new ConfigurationSnapshot(config, files, tables, router, new SmtpdServices
        {
            Config = config,
            Route = router.ResolveAsync,
            Tables = tables,
            Users = users,
            Policy = new SessionPolicy(config, tables),
            Certificates = certificates,
        });
    }

    public TableSet Tables(MailConfig config, FileView files) =>
        new(config, files, users, clock, text => events.Publish(new Events.OperatorWarning("tables", text) { At = events.Now }));
}
