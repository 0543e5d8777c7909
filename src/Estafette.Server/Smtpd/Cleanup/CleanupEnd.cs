using System.Collections.Immutable;
using Estafette.Config.Model;
using Estafette.Mail;
using Estafette.Smtp;

namespace Estafette.Smtpd.Cleanup;

/// <summary>What a message's content makes of its envelope once all of it is there: refused, bounced, held, or sent a way of its own (content_filter, FILTER).</summary>
internal static class CleanupEnd
{
    /// <summary>The action that fails a recipient for good with its next hop as the reason; every master.cf has it.</summary>
    private const string Bouncing = "error";

    public static Reply Unavailable { get; } = new(451, "4.3.0 Error: queue file write error");

    /// <summary>Null where the message is taken. What a local program hands in is not refused for good but bounced: nobody waits for the answer.</summary>
    public static Reply? Refusal(CleanupFindings findings, bool bounces) => findings.Trouble switch
    {
        CleanupTrouble.Deferred => new Reply(451, findings.Reason),
        CleanupTrouble.Unavailable => Unavailable,
        CleanupTrouble.Hops when !bounces => new Reply(554, "5.4.0 Error: too many hops"),
        CleanupTrouble.Content when !bounces => new Reply(550, findings.Reason),
        _ => null,
    };

    /// <summary>The envelope, which routing has rewritten already, with what the content asks for.</summary>
    public static Envelope EnvelopeOf(SmtpSession session, Envelope envelope, MessageCleanup cleanup)
    {
        CleanupConfig config = CleanupBeginning.ConfigOf(session)!;
        CleanupFindings findings = cleanup.Findings;
        if (findings.Trouble != CleanupTrouble.None)
            // Content that is not wanted does not come back either.
            envelope = envelope with { Return = DsnReturn.Headers, Recipients = [.. envelope.Recipients.Select(r => r with { Action = Bouncing, NextHop = findings.Reason, Target = DeliveryTarget.Relay.Instance })] };
        else if ((findings.Filter.Length > 0 ? findings.Filter : config.ContentFilter) is { Length: > 0 } filter)
            envelope = envelope with { Recipients = Filtered(envelope.Recipients, filter, config) };
        return envelope with { Hold = envelope.Hold || findings.Hold };
    }

    /// <summary><c>transport:nexthop</c>; without a next hop <c>default_filter_nexthop</c>, else the recipient's domain.</summary>
    internal static ImmutableArray<Recipient> Filtered(ImmutableArray<Recipient> recipients, string filter, CleanupConfig config)
    {
        int colon = filter.IndexOf(':', StringComparison.Ordinal);
        string transport = colon < 0 ? filter : filter[..colon];
        string nextHop = colon < 0 || colon == filter.Length - 1 ? config.FilterNextHop : filter[(colon + 1)..];
        // The mark of an alias that was expanded already is no delivery; the filter gets what the alias became.
        return
        [
            .. recipients.Select(r => r.Action == Recipient.AliasExpanded ? r
                : r with { Action = transport, NextHop = nextHop.Length > 0 ? nextHop : r.Address.Domain, Target = DeliveryTarget.Relay.Instance }),
        ];
    }
}
