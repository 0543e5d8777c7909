using System.Globalization;
using System.Runtime.CompilerServices;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Smtp;

namespace Estafette.Delivery.Remote;

/// <summary>
/// Hands mail on over SMTP (or LMTP, where the relay URL says so): by MX of the recipient's domain or through the action's fixed hosts. All recipients of a
/// lane share its domain or its hosts, so that one connection can carry them.
/// </summary>
public sealed class RemoteAgent(
    IExchangerDns dns, IRelayTables tables, TlsMaterial material, EventSink events, TimeProvider clock, RelayTimeouts? timeouts = null) : IDeliveryAgent
{
    /// <summary>RFC 5321 s4.5.3.1.8: what every server must take.</summary>
    private const int Recipients = 100;

    /// <summary>Where the configuration sets no limit.</summary>
    private const int MostRecipients = 1000;

    /// <summary>Connections for one sender's login: providers count them by account.</summary>
    private const int LanesPerSender = 4;

    private readonly RelayServices _services = new(dns, tables, material, events, clock, timeouts ?? RelayTimeouts.Default);

    // The name of a host list is asked for once a recipient and never changes while its action lives.
    private readonly ConditionalWeakTable<ActionConfig.Relay, string> _hostNames = [];

    public bool Serves(ActionConfig action, DeliveryTarget target) => action is ActionConfig.Relay relay && (target is DeliveryTarget.Relay || relay.ByNextHop is not null);

    public NextHop NextHopOf(ActionConfig action, Recipient recipient, MailAddress reversePath)
    {
        var relay = (ActionConfig.Relay)action;
        // Who logs in as himself shares no connection with others.
        string sender = relay.Credentials is { Key: CredentialKey.Sender } ? reversePath.ToString().ToLowerInvariant() : "";
        if (relay.ByNextHop is { } protocol)
        {
            string nextHop = recipient.NextHop.Length > 0 ? recipient.NextHop : recipient.Address.Domain;
            return new NextHop(protocol is RelayProtocol.Lmtp ? "lmtp" : "smtp", nextHop.ToLowerInvariant(), relay.Name)
            {
                // By the recipient's own domain: a sender's password is not for everybody he writes to.
                Sender = nextHop.Equals(recipient.Address.Domain, StringComparison.OrdinalIgnoreCase) ? "" : sender,
            };
        }
        if (relay.Hosts.IsEmpty)
            return new NextHop("smtp", recipient.Address.Domain.ToLowerInvariant(), relay.Name) { Sender = sender };
        return new NextHop(relay.Hosts[0].Protocol == RelayProtocol.Lmtp ? "lmtp" : "smtp", _hostNames.GetValue(relay, HostNames), relay.Name) { Sender = sender };
    }

    public int RecipientsPerJob(ActionConfig action) =>
        action is ActionConfig.Relay { ByNextHop: not null, Habits.Recipients: var limit } ? limit is > 0 and < MostRecipients ? limit : MostRecipients : Recipients;

    public int LanesPerNextHop(ActionConfig action, LimitsConfig limits) =>
        action is ActionConfig.Relay { ByNextHop: not null, Habits: var habits } ? habits.RateDelay > TimeSpan.Zero ? 1 : Math.Max(1, habits.Connections) :
        action is ActionConfig.Relay { Credentials.Key: CredentialKey.Sender } ? Math.Min(LanesPerSender, limits.ConnectionsPerNextHop) : limits.ConnectionsPerNextHop;

    public void Wake()
    {
        _services.Hosts.Wake();
        _services.Logins.Wake();
    }

    /// <summary>Hosts that are passed over for the time being.</summary>
    public IReadOnlyList<RestingHost> RestingHosts() => _services.Hosts.List();

    public Task ServeAsync(DeliveryLane lane, CancellationToken cancellationToken)
    {
        var action = (ActionConfig.Relay)lane.Action;
        string domain = lane.NextHop.Name;
        return new RelayLane(lane, action, _services, job => Prepare(job, action), WalkAsync).ServeAsync(cancellationToken);

        async ValueTask<RouteWalk> WalkAsync(CancellationToken token) =>
            new(await _services.Planner.PlanAsync(action, domain, lane.Config, token), domain, _services.Dns, _services.Own, lane.Config, action.Habits);
    }

    /// <summary>Writes the paths out; recipients whose address no command can carry fail here.</summary>
    internal static OutgoingMessage Prepare(DeliveryJob job, ActionConfig.Relay action)
    {
        MailAddress reversePath = Rewritten(job.ReversePath, action.MailFrom);
        var recipients = new List<OutgoingRecipient>(job.Recipients.Count);
        var message = new OutgoingMessage(job, reversePath, recipients);
        bool writable = CommandWriter.IsPath(reversePath.ToString());
        foreach (int index in job.Recipients)
            recipients.Add(new OutgoingRecipient(index, job.Envelope.Recipients[index].Address.ToString()));
        if (!writable)
            message.CompleteRest(DeliveryOutcome.Failed(new(5, 1, 7), "The sender's address cannot be written in a command", OutcomeScope.Message));
        for (int i = recipients.Count - 1; i >= 0; i--)
        {
            if (!CommandWriter.IsPath(recipients[i].Path))
                message.Complete(recipients[i], DeliveryOutcome.Failed(new(5, 1, 3), "The recipient's address cannot be written in a command"));
        }
        return message;
    }

    /// <summary><c>mail-from</c>: a whole address, or <c>@domain</c> that keeps the local part. A notification's null sender stays null (RFC 5321 s4.5.5).</summary>
    internal static MailAddress Rewritten(MailAddress reversePath, string? mailFrom)
    {
        if (reversePath.IsNull || string.IsNullOrEmpty(mailFrom))
            return reversePath;
        int at = mailFrom.LastIndexOf('@');
        return at switch
        {
            < 0 => new MailAddress(mailFrom, reversePath.Domain),
            0 => reversePath with { Domain = mailFrom[1..] },
            _ => new MailAddress(mailFrom[..at], mailFrom[(at + 1)..]),
        };
    }

    private static string HostNames(ActionConfig.Relay relay) =>
        string.Join(',', relay.Hosts.Select(h => h.Port == 0 ? h.Host : string.Create(CultureInfo.InvariantCulture, $"{h.Host}:{h.Port}")));
}
