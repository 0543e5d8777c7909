using System.Buffers;
using System.Globalization;
using Estafette.Config.Model;
using Estafette.Events;
using Estafette.Mail;
using Estafette.Queue;
using Estafette.Smtp;

namespace Estafette.Delivery.Remote;

/// <summary>
/// Delivers to an LMTP service over TCP or a Unix socket (RFC 2033), as the action's <c>lmtp</c> method asks: the recipient is the user's name, or with
/// <c>rcpt-to</c> the whole address; Return-Path and Delivered-To go before the message, one transaction a recipient, because Delivered-To differs.
/// A permanent refusal is final here; OpenSMTPD keeps such mail in its queue until it expires.
/// </summary>
public sealed class LmtpAgent(IExchangerDns dns, IRelayTables tables, EventSink events, TimeProvider clock, RelayTimeouts? timeouts = null) : IDeliveryAgent
{
    private readonly RelayServices _services = new(dns, tables, TlsMaterial.Anonymous, events, clock, timeouts ?? RelayTimeouts.Default);

    public bool Serves(ActionConfig action, DeliveryTarget target) => action is ActionConfig.Local { Method: LocalMethod.Lmtp } && target is DeliveryTarget.User;

    public NextHop NextHopOf(ActionConfig action, Recipient recipient, MailAddress reversePath) => new("lmtp", MethodOf(action).Destination, action.Name);

    public int RecipientsPerJob(ActionConfig action) => 1;

    public void Wake() => _services.Hosts.Wake();

    public Task ServeAsync(DeliveryLane lane, CancellationToken cancellationToken)
    {
        LocalMethod.Lmtp method = MethodOf(lane.Action);
        RoutePlan plan = PlanOf(method.Destination);
        var settings = new ActionConfig.Relay { Name = lane.Action.Name, At = lane.Action.At, Helo = "localhost", Tls = TlsPolicy.Welcome with { Level = TlsLevel.None } };
        return new RelayLane(lane, settings, _services, job => Prepare(job, method, lane.Config), _ => ValueTask.FromResult(Walk())).ServeAsync(cancellationToken);

        RouteWalk Walk() => new(plan, method.Destination, _services.Dns, _services.Own, lane.Config);
    }

    /// <summary><c>/path</c>, <c>unix:/path</c>, <c>host:port</c> or <c>[v6]:port</c>.</summary>
    internal static RoutePlan PlanOf(string destination)
    {
        string text = destination.StartsWith("unix:", StringComparison.Ordinal) ? destination[5..] : destination;
        if (text.StartsWith('/'))
            return new RoutePlan([Host(text, 0)]);
        int colon = text.LastIndexOf(':');
        if (colon > 0 && !text.EndsWith(']') && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port is > 0 and < 65536)
            return new RoutePlan([Host(text[..colon], port)]);
        return RoutePlan.Of(DeliveryOutcome.Deferred(new(4, 3, 5), $"LMTP destination {destination} has no port", OutcomeScope.NextHop));

        static RouteHost Host(string name, int port) => new(name, port) { Protocol = RelayProtocol.Lmtp, Tls = TlsLevel.None, Fixed = true };
    }

    private static LocalMethod.Lmtp MethodOf(ActionConfig action) => (LocalMethod.Lmtp)((ActionConfig.Local)action).Method;

    private static OutgoingMessage Prepare(DeliveryJob job, LocalMethod.Lmtp method, MailConfig config)
    {
        var recipients = new List<OutgoingRecipient>(job.Recipients.Count);
        foreach (int index in job.Recipients)
            recipients.Add(new OutgoingRecipient(index, PathOf(job.Envelope.Recipients[index], method)));
        var message = new OutgoingMessage(job, job.ReversePath, recipients) { Prefix = TraceOf(job, config) };
        if (!recipients.TrueForAll(r => CommandWriter.IsPath(r.Path)) || !CommandWriter.IsPath(job.ReversePath.ToString()))
            message.CompleteRest(DeliveryOutcome.Failed(new(5, 1, 3), "The address cannot be written in a command"));
        return message;
    }

    private static string PathOf(Recipient recipient, LocalMethod.Lmtp method)
    {
        if (method.RecipientAddress)
            return recipient.Original.ToString();
        // Users of a virtual table may be named like addresses.
        string user = ((DeliveryTarget.User)recipient.Target).Name;
        int at = user.LastIndexOf('@');
        return at < 0 ? AddressSyntax.QuoteLocalPartIfNeeded(user) : new MailAddress(user[..at], user[(at + 1)..]).ToString();
    }

    private static ReadOnlyMemory<byte> TraceOf(DeliveryJob job, MailConfig config)
    {
        Recipient recipient = job.Envelope.Recipients[job.Recipients[0]];
        TraceStyle style = config.Dialect == Dialect.Postfix ? TraceStyle.Postfix : config.BareReturnPath ? TraceStyle.OpenSmtpdOld : TraceStyle.OpenSmtpd;
        var output = new ArrayBufferWriter<byte>(160);
        TraceFields.WriteReturnPath(output, style, job.ReversePath);
        TraceFields.WriteDeliveredTo(output, style == TraceStyle.Postfix ? recipient.Address : recipient.Original);
        return output.WrittenMemory;
    }
}
