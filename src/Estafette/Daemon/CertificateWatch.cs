using Estafette.Config;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Smtpd;

namespace Estafette.Program.Daemon;

/// <summary>Once a day: certificates that near their end are told to the operator, and the server's own are made anew before they do.</summary>
internal sealed class CertificateWatch(Func<MailConfig> config, Func<ServerCertificates> certificates, Action renewOwn, EventSink events, TimeProvider clock)
{
    public static readonly TimeSpan Interval = TimeSpan.FromDays(1);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(Interval, clock, cancellationToken);
            renewOwn();
            Tell(config(), certificates(), events);
        }
    }

    public static void Tell(MailConfig config, ServerCertificates certificates, EventSink events)
    {
        foreach (Diagnostic finding in certificates.Expiring(config, events.Now))
            events.Publish(new OperatorWarning("tls", DiagnosticPrinter.OneLine(finding)) { At = events.Now });
    }
}
